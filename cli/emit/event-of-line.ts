import { type AuditEvent, type Catalog, decodeRow, wireInstant } from '../../schemas/index.ts';
import { checkedRow } from '../checked-row.ts';
import { readJson } from '../json-text.ts';
import { define } from './defined-event.ts';
import { faultsOf, type Input, inputSchema } from './input.ts';

/** What holds where a line does not say. */
export interface Defaults {
  readonly service: string;
  readonly tenant: string;
  readonly catalog: Catalog;
  /** Of this run; also numbers its events. */
  readonly producer: { readonly id: string; readonly nextSeq: () => number };
  readonly newId: () => string;
  readonly now: () => Date;
}

export type LineRead =
  | {
      readonly ok: true;
      readonly event: AuditEvent;
      /** The line named its event's id, so that it may have been sent before. */
      readonly mayRepeat: boolean;
    }
  | { readonly ok: false; readonly reason: string };

const refused = (reason: string): LineRead => ({ ok: false, reason });

/**
 * Reads one line: an event in the nested form, or a wire row, which is told by its `wire_version`.
 * Never throws.
 */
export function eventOfLine(bytes: Uint8Array, defaults: Defaults): LineRead {
  const read = readJson(bytes);
  if (!read.ok) return refused(read.reason);
  const { value } = read;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused('is not a JSON object');
  }
  return 'wire_version' in value ? ofRow(value) : ofInput(value, defaults);
}

function ofRow(value: object): LineRead {
  const checked = checkedRow(value);
  if (!checked.ok) return refused(checked.reason);
  return { ok: true, event: decodeRow(checked.row), mayRepeat: true };
}

function ofInput(value: object, defaults: Defaults): LineRead {
  const parsed = inputSchema.safeParse(value);
  if (!parsed.success) return refused(faultsOf(parsed.error));
  const input = parsed.data;
  if (input.id !== undefined && input.occurredAt === undefined) {
    return refused('occurredAt: is required beside an id: a repeat is known by both');
  }
  const occurredAt = wireInstant(input.occurredAt ?? defaults.now());
  if (occurredAt === undefined) {
    return refused('occurredAt: must be an ISO 8601 instant between the years 1900 and 2299');
  }
  const defined = define(input, defaults.catalog);
  if (!defined.ok) return refused(defined.reason);
  const { targetType, ...fields } = defined.fields;
  const target = targetOf(input.target, targetType);
  if (target === null) return refused('target.type: is required');
  return {
    ok: true,
    mayRepeat: input.id !== undefined,
    event: {
      ...restOf(input),
      ...fields,
      id: input.id ?? defaults.newId(),
      occurredAt,
      target,
      tenant: input.tenant ?? defaults.tenant,
      service: input.service ?? defaults.service,
      producer: { id: defaults.producer.id, seq: defaults.producer.nextSeq() },
    },
  };
}

/** The target with its type; `null` where neither the line nor its event type says which. */
function targetOf(
  target: Input['target'],
  declaredType: string | undefined,
): AuditEvent['target'] | null {
  if (target === undefined) return undefined;
  const type = target.type ?? declaredType;
  return type === undefined ? null : { ...target, type };
}

const restOf = (input: Input) => ({
  actor: input.actor,
  related: input.related,
  sourceIp: input.sourceIp,
  traceId: input.traceId?.toLowerCase(),
  correlationId: input.correlationId,
  reason: input.reason,
  message: input.message,
  error: input.error,
  changes: input.changes,
  execution: input.execution,
  attributes: input.attributes,
});
