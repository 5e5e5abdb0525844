import { z } from 'zod';
import { LedgerlineError, type Party } from '../../schemas/index.ts';
import type { ContextFields } from '../context/context.ts';
import type { ForwardedHeader } from './client-address.ts';
import type { AuditedRoutes } from './route-map.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** What holds where an option says nothing. */
export const HTTP_DEFAULTS = {
  requestIdHeader: 'x-request-id',
  acceptRequestId: true,
  trustedProxies: false,
  forwardedHeader: 'x-forwarded-for',
  anonymous: { type: 'anonymous', id: 'anonymous' },
  identifyTimeoutMs: 1_000,
  deliveryTimeoutMs: 1_000,
} as const;

/** `T`: the ledger's event types. `R`: what the framework calls a request. */
export interface HttpAuditOptions<T extends string, R> {
  /**
   * Who asks, and for which tenant: `{ tenant, actor, onBehalfOf, related, attributes }`, or
   * nothing; now or later. When it throws, rejects or is late, the request goes on all the same,
   * its events by the actor `{ type: 'unknown', id: 'unknown' }`.
   */
  readonly identify?:
    ((request: R) => ContextFields | undefined | Promise<ContextFields | undefined>) | undefined;
  /** The actor of requests of which {@link identify} names none; `anonymous`. */
  readonly anonymous?: Party | undefined;
  /** How long a request waits for {@link identify}; 1,000. */
  readonly identifyTimeoutMs?: number | undefined;
  /** Who may say from where a request came; `false`, nobody. */
  readonly trustedProxies?: TrustedProxies | undefined;
  /** The header in which they say it; `x-forwarded-for`. */
  readonly forwardedHeader?: ForwardedHeader | undefined;
  /** `x-request-id`: read, recorded as the correlation id, and answered. */
  readonly requestIdHeader?: string | undefined;
  /**
   * Whether a caller's well-formed request id is taken over, else their trace's id; `true`. Sampling
   * goes by it: `false`, always a new one, where strangers call and the policy samples.
   */
  readonly acceptRequestId?: boolean | undefined;
  /** Which requests are events; none. */
  readonly audit?: AuditedRoutes<T, R> | undefined;
  /** With `async: false`: how long a response waits for its events to be delivered; 1,000. */
  readonly deliveryTimeoutMs?: number | undefined;
  /** Hears what {@link identify} failed with; when absent, Node's warnings do, once. */
  readonly onError?: ((error: LedgerlineError) => void) | undefined;
}

const called = <F>(): z.ZodType<F> =>
  z.custom<F>((value) => typeof value === 'function', 'must be a function');
const timeout = z.int().min(1).max(60_000);
const label = z.string().min(1).max(1024);

const schema = <R>() =>
  z.strictObject({
    identify: called<NonNullable<HttpAuditOptions<string, R>['identify']>>().optional(),
    anonymous: z
      .strictObject({ type: label, id: label, name: z.string().optional() })
      .default(HTTP_DEFAULTS.anonymous),
    identifyTimeoutMs: timeout.default(HTTP_DEFAULTS.identifyTimeoutMs),
    // Those who read these say what is wrong with them.
    trustedProxies: z.custom<TrustedProxies>().default(HTTP_DEFAULTS.trustedProxies),
    audit: z.custom<AuditedRoutes<string, R>>().optional(),
    forwardedHeader: z
      .enum(['x-forwarded-for', 'forwarded'])
      .default(HTTP_DEFAULTS.forwardedHeader),
    requestIdHeader: z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/u, 'must be a header’s name, in lowercase')
      .default(HTTP_DEFAULTS.requestIdHeader),
    acceptRequestId: z.boolean().default(HTTP_DEFAULTS.acceptRequestId),
    deliveryTimeoutMs: timeout.default(HTTP_DEFAULTS.deliveryTimeoutMs),
    onError: called<(error: LedgerlineError) => void>().optional(),
  });

export type CheckedHttpOptions<R> = z.output<ReturnType<typeof schema<R>>>;

/** Throws `CONFIG_INVALID`, which lists every fault by option and rule. */
export function checkHttpOptions<R>(options: unknown): CheckedHttpOptions<R> {
  const result = schema<R>().safeParse(options);
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'options'}: ${message}`,
  );
  throw new LedgerlineError('CONFIG_INVALID', `HTTP middleware: ${faults.join('; ')}.`, {
    hint: 'Correct these options; docs/context.md lists them all.',
  });
}
