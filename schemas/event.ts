import type { ChangeOp, Operation, Outcome, Severity } from './vocabulary.ts';

/** Someone or something with an identity: an actor, a target. Ids are surrogate keys, never personal data. */
export interface Party {
  readonly type: string;
  readonly id: string;
  readonly name?: string | undefined;
}

/** A further party and the part it plays: `parent` (an env var's app), `on_behalf_of`, `subject`, … */
export interface RelatedParty extends Party {
  readonly role: string;
}

/**
 * One field's old and new value: RFC 6902's `op` and `path` (a JSON Pointer, RFC 6901).
 * An absent value is `undefined`; `null` is a value.
 */
export interface Change {
  readonly op: ChangeOp;
  readonly path: string;
  readonly old?: unknown;
  readonly new?: unknown;
}

/** Why the edge kept the event. `weight` is 1 / sampling rate: `sum(weight)` estimates what happened. */
export interface PolicyStamp {
  readonly level?: string | undefined;
  readonly rule?: string | undefined;
  readonly weight?: number | undefined;
}

/**
 * One fact: who did what to which target, when, with what outcome.
 *
 * This is the TypeScript view; {@link encodeRow} flattens it into the wire row and `decodeRow`
 * brings it back. A field that is `undefined` is not sent and takes its column's default.
 */
export interface AuditEvent {
  /** A UUID: version 7 when made at `emit`, version 5 of the source's own id when imported. */
  readonly id: string;
  /** `noun.past_verb`, as the catalog declares it: `app.env_var.updated`. Never an alias. */
  readonly type: string;
  /** Version of the type's data schema, from 1. */
  readonly version: number;
  readonly category: string;
  readonly operation: Operation;
  readonly outcome: Outcome;
  readonly severity: Severity;
  /** ISO 8601 in UTC with up to six fractional digits (`2026-11-22T10:00:00.123456Z`), or a Date. */
  readonly occurredAt: string | Date;
  /** `default` where a service has one tenant. */
  readonly tenant: string;
  readonly actor: Party;
  readonly target?: Party | undefined;
  readonly related?: readonly RelatedParty[] | undefined;
  /** An IPv4 or IPv6 address. Anything else is kept as `attributes['source.address']`. */
  readonly sourceIp?: string | undefined;
  readonly service: string;
  /** `id`: a UUID per process start; `seq`: 1, 2, 3 … with no gap over what the policy kept. */
  readonly producer?: { readonly id: string; readonly seq: number } | undefined;
  /** A W3C trace id: 32 hexadecimal digits. */
  readonly traceId?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Why the actor says they did it. */
  readonly reason?: string | undefined;
  /** One line for people: what a free-form event has instead of data. */
  readonly message?: string | undefined;
  /** Why it failed or was denied. */
  readonly error?:
    { readonly code?: string | undefined; readonly message?: string | undefined } | undefined;
  readonly changes?: readonly Change[] | undefined;
  /** The type's own fields. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** A command's run: command, exit code, signal, duration, output. */
  readonly execution?: Readonly<Record<string, unknown>> | undefined;
  /** How long it is kept, by name; `standard` when absent. */
  readonly retentionClass?: string | undefined;
  readonly policy?: PolicyStamp | undefined;
  /** Everything else, under OpenTelemetry's semantic-convention names. Ours begin with `ledger.`. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}
