import type { AnyInput } from '../stamp.ts';
import type { Voice } from '../voice.ts';
import { describedAs, type Described } from './described.ts';

/** A function as it can be wrapped: with any `this`, arguments and result. */
export type AnyFunction = (this: never, ...args: never[]) => unknown;

/** One call of an audited function, when it is over. */
export interface AuditedCall<F extends AnyFunction> {
  readonly args: Parameters<F>;
  readonly outcome: 'success' | 'failure' | 'denied';
  /** What it returned, or what its promise was fulfilled with; undefined when it failed. */
  readonly result: Awaited<ReturnType<F>> | undefined;
  /** What it threw, or what its promise was rejected with. */
  readonly error: unknown;
  readonly durationMs: number;
}

export interface AuditedOptions {
  /** Which errors are refusals; those with `denied: true`, or a `status` of 401 or 403. */
  readonly denied?: ((error: unknown) => boolean) | undefined;
}

/** Wraps a function so that its calls are recorded. {@link Ledger.audited} says how. */
export function auditedFunction<F extends AnyFunction>(
  ledger: Voice,
  type: string,
  fn: F,
  describe: Described<AnyInput, AuditedCall<F>>,
  { denied = isDenial }: AuditedOptions,
): F {
  const call = (self: unknown, args: unknown[]): unknown => {
    const startedMs = performance.now();
    const say = (ended: Pick<AuditedCall<F>, 'outcome' | 'result' | 'error'>): void => {
      const durationMs = performance.now() - startedMs;
      const over = { ...ended, args: args as Parameters<F>, durationMs };
      const error = ended.outcome === 'success' ? undefined : errorOf(ended.error);
      ledger.emit(type, describedAs(describe, over, { outcome: ended.outcome, error }));
    };
    const succeeded = (result: unknown): void =>
      say({ outcome: 'success', result: result as Awaited<ReturnType<F>>, error: undefined });
    const failed = (error: unknown): void =>
      say({ outcome: refuses(denied, error) ? 'denied' : 'failure', result: undefined, error });

    let result: unknown;
    try {
      result = Reflect.apply(fn, self, args);
    } catch (error) {
      failed(error);
      throw error;
    }
    if (!isThenable(result)) {
      succeeded(result);
      return result;
    }
    // `then` once: with some (query builders) each `then` is one more execution.
    return result.then(
      (value) => {
        succeeded(value);
        return value;
      },
      (error: unknown) => {
        failed(error);
        throw error;
      },
    );
  };
  // A proxy keeps name, length, properties and `new`, which is not audited.
  return new Proxy(fn, { apply: (_, self, args: unknown[]) => call(self, args) });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  try {
    return typeof Reflect.get(value, 'then') === 'function';
  } catch {
    return false;
  }
}

const memberOf = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

const DENIALS: readonly unknown[] = [401, 403];

const isDenial = (error: unknown): boolean =>
  memberOf(error, 'denied') === true ||
  DENIALS.includes(memberOf(error, 'status')) ||
  DENIALS.includes(memberOf(error, 'statusCode'));

function refuses(denied: (error: unknown) => boolean, error: unknown): boolean {
  try {
    return denied(error);
  } catch {
    return false;
  }
}

/** Nothing that an odd error's getters do reaches the caller: the error itself does. */
function errorOf(error: unknown): AnyInput['error'] {
  try {
    if (!(error instanceof Error)) return { code: 'UNKNOWN', message: String(error) };
    const code = memberOf(error, 'code');
    return { code: typeof code === 'string' ? code : error.name, message: error.message };
  } catch {
    return { code: 'UNKNOWN' };
  }
}
