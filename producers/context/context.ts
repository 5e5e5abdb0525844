import { AsyncLocalStorage } from 'node:async_hooks';
import type { Party, RelatedParty } from '../../schemas/index.ts';
import type { Deliveries } from './deliveries.ts';

/** What the events of a request, a job or a message have in common. */
export interface AuditContext {
  readonly tenant?: string | undefined;
  readonly actor?: Party | undefined;
  readonly related?: readonly RelatedParty[] | undefined;
  /** An IPv4 or IPv6 address. */
  readonly sourceIp?: string | undefined;
  readonly correlationId?: string | undefined;
  /** A W3C trace id: 32 hexadecimal digits. */
  readonly traceId?: string | undefined;
  /** Under OpenTelemetry's names: `user_agent.original`, `session.id`. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

/** What may be said of a context. */
export interface ContextFields extends AuditContext {
  /** Short for a related party in the role `on_behalf_of`. */
  readonly onBehalfOf?: Party | undefined;
}

/** A context as it is kept: with what its events are still waiting for, where somebody waits. */
export type Scope = { -readonly [K in keyof AuditContext]: AuditContext[K] } & {
  deliveries?: Deliveries | undefined;
};

type Shared = { [KEY]?: AsyncLocalStorage<Scope> };

/**
 * One store for the process: a request has one context, whichever ledger, library or copy of this
 * package records the event.
 */
const KEY = Symbol.for('ledgerline.context.1');
const storage = ((globalThis as Shared)[KEY] ??= new AsyncLocalStorage());

/** The context of whatever runs at the moment; undefined outside of any. */
export const currentContext = (): AuditContext | undefined => storage.getStore();

/**
 * Calls `fn` in a context, and everything that it starts: promises, timers, `nextTick`. Inside
 * another context it adds to that one: its own fields win, related parties and attributes gather.
 */
export const runInContext = <T>(fields: ContextFields, fn: () => T): T =>
  storage.run(within(storage.getStore(), fields), fn);

/** Calls `fn` in exactly this context. */
export const resumeContext = <T>(scope: Scope, fn: () => T): T =>
  storage.getStore() === scope ? fn() : storage.run(scope, fn);

/** Lets whoever waits for the events of this context wait for this one too. */
export const expectDelivery = (delivered: Promise<unknown>): void =>
  storage.getStore()?.deliveries?.add(delivered);

/**
 * Adds to the context that runs, from here on and for everything in it: for what becomes known on
 * the way, such as the actor once a session is read. False outside of any context.
 *
 * @example
 * app.use((request, response, next) => {
 *   const user = authenticate(request);
 *   amendContext({ actor: { type: 'user', id: user.id } });
 *   next();
 * });
 */
export function amendContext(fields: ContextFields): boolean {
  const scope = storage.getStore();
  if (scope !== undefined) Object.assign(scope, within(scope, fields));
  return scope !== undefined;
}

const UNREADABLE: ContextFields = { attributes: { 'ledger.context': 'unreadable' } };

/** {@link merged} for callers who must not fail: what cannot be read is left out, and said to be. */
function within(outer: Scope | undefined, fields: ContextFields): Scope {
  try {
    return merged(outer, fields);
  } catch {
    return merged(outer, UNREADABLE);
  }
}

/** The inner fields over the outer ones; an absent field leaves the outer one. */
export function merged(outer: Scope | undefined, fields: ContextFields): Scope {
  const scope: Scope = {
    tenant: outer?.tenant,
    actor: outer?.actor,
    related: outer?.related,
    sourceIp: outer?.sourceIp,
    correlationId: outer?.correlationId,
    traceId: outer?.traceId,
    attributes: outer?.attributes,
    deliveries: outer?.deliveries,
  };
  amend(scope, fields);
  return scope;
}

/** Adds to a context. Field by field: this is on the way of every request. */
export function amend(scope: Scope, fields: ContextFields): void {
  scope.tenant = fields.tenant ?? scope.tenant;
  scope.actor = fields.actor ?? scope.actor;
  scope.related = gathered(scope.related, fields.related);
  if (fields.onBehalfOf) {
    scope.related = gathered(scope.related, [{ role: 'on_behalf_of', ...fields.onBehalfOf }]);
  }
  scope.sourceIp = fields.sourceIp ?? scope.sourceIp;
  scope.correlationId = fields.correlationId ?? scope.correlationId;
  scope.traceId = fields.traceId ?? scope.traceId;
  scope.attributes = joined(scope.attributes, fields.attributes);
}

type Attributes = AuditContext['attributes'];

/** Both maps as one; the inner entries win. */
export function joined(outer: Attributes, inner: Attributes): Attributes {
  if (outer === undefined) return inner;
  // Two spreads would give each result a hidden class of its own (V8 11.3), ten times as dear.
  return inner ? Object.assign({}, outer, inner) : outer;
}

type Related = AuditContext['related'];

/** Both lists, outer first; whom both name comes once. */
export function gathered(outer: Related, inner: Related): Related {
  if (outer === undefined || outer.length === 0) return inner ?? outer;
  // Not a list: the encoder says so, and keeps it aside.
  if (!inner || !Array.isArray(inner)) return inner ?? outer;
  const rest = outer.filter((one) => !inner.some((other) => isSame(one, other)));
  return [...rest, ...inner];
}

const isSame = (one: RelatedParty, other: RelatedParty): boolean =>
  one.role === other?.role && one.type === other.type && one.id === other.id;
