import { addressOf } from './address.ts';
import { PRODUCER_COLUMNS } from './columns.ts';
import { LedgerlineError } from './errors.ts';
import type { AuditEvent, Change, Party, RelatedParty } from './event.ts';
import { wireInstant } from './instant.ts';
import type { ChangeOp, Operation, Outcome, Severity } from './vocabulary.ts';

type Row = Readonly<Record<string, unknown>>;

/** What the ledger shows where a producer sent nothing. */
const NO_UUID = '00000000-0000-0000-0000-000000000000';
const NO_ADDRESS = '::';

/**
 * The event of a wire row, as text, bytes or a parsed object, or of a row of `audit_events` as
 * JSONEachRow gives it (where data is text and absent values are defaults). Columns that are the
 * worker's or unknown are left aside. A field that was not sent is not there.
 *
 * Throws `ROW_INVALID` when it is not one JSON object or lacks a required column. For the strict
 * judgement of every value use `wireRowSchema`.
 *
 * @example
 * decodeRow(encodeRow(event)).actor; // { type: 'user', id: 'usr_1' }
 */
export function decodeRow(input: Row | string | Uint8Array): AuditEvent {
  const row = parsed(input);
  for (const { name, required } of PRODUCER_COLUMNS) {
    if (required && row[name] === undefined) throw invalid(`lacks the column ${name}`);
  }
  return without({
    id: text(row['event_id']) ?? '',
    type: text(row['event_type']) ?? '',
    version: Number(row['event_version'] ?? 1),
    category: text(row['category']) ?? '',
    operation: (text(row['operation']) ?? 'unknown') as Operation,
    outcome: (text(row['outcome']) ?? 'unknown') as Outcome,
    severity: (text(row['severity']) ?? 'informational') as Severity,
    occurredAt: instantOf(row['occurred_at']),
    tenant: text(row['tenant_id']) ?? 'default',
    actor: party(row, 'actor') ?? { type: '', id: '' },
    target: party(row, 'target'),
    related: relatedOf(row['related']),
    sourceIp: unless(row['source_ip'], NO_ADDRESS, addressOf),
    service: text(row['service']) ?? '',
    producer: unless(row['producer_id'], NO_UUID, (id) => ({
      id,
      seq: Number(row['producer_seq'] ?? 0),
    })),
    traceId: unless(row['trace_id'], NO_UUID, (id) => id.replaceAll('-', '')),
    correlationId: text(row['correlation_id']),
    reason: text(row['reason']),
    message: text(row['message']),
    error: some({ code: text(row['error_code']), message: text(row['error_message']) }),
    changes: changesOf(row['changes']),
    data: objectOf(row['data']),
    execution: objectOf(row['execution']),
    retentionClass: text(row['retention_class']),
    policy: policyOf(row),
    attributes: some(objectOf(row['attributes']) as Record<string, string> | undefined),
  });
}

const invalid = (rule: string, cause?: unknown): LedgerlineError =>
  new LedgerlineError('ROW_INVALID', `The row ${rule}.`, {
    hint: 'Pass what encodeRow wrote, or a row of audit_events as JSONEachRow.',
    cause,
  });

function parsed(input: Row | string | Uint8Array): Row {
  const value = input instanceof Uint8Array || typeof input === 'string' ? parse(input) : input;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('is not one JSON object');
  }
  return value as Row;
}

function parse(input: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof input === 'string' ? input : Buffer.from(input).toString('utf8'));
  } catch (cause) {
    // The parser's message quotes the input, which must not reach a log: only its kind is kept.
    throw invalid('is not JSON', cause instanceof SyntaxError ? undefined : cause);
  }
}

/** Text that is there; ClickHouse shows an absent one as the empty string. */
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

function unless<T>(value: unknown, none: string, make: (value: string) => T): T | undefined {
  const given = text(value);
  return given === undefined || given === none ? undefined : make(given);
}

function instantOf(value: unknown): string {
  const instant = wireInstant(String(value));
  if (instant === undefined) throw invalid('has no instant in occurred_at');
  return instant;
}

/** Members that are undefined are left out, so that a decoded event equals the one that was sent. */
function without<T extends object>(object: T): T {
  for (const key of Object.keys(object) as (keyof T)[]) {
    if (object[key] === undefined) delete object[key];
  }
  return object;
}

function some<T extends object>(object: T | undefined): T | undefined {
  const left = object === undefined ? undefined : without(object);
  return left === undefined || Object.keys(left).length === 0 ? undefined : left;
}

function party(row: Row, prefix: 'actor' | 'target'): Party | undefined {
  const type = text(row[`${prefix}_type`]);
  const id = text(row[`${prefix}_id`]);
  const name = text(row[`${prefix}_name`]);
  if (type === undefined && id === undefined && name === undefined) return undefined;
  return without({ type: type ?? '', id: id ?? '', name });
}

function relatedOf(value: unknown): readonly RelatedParty[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return (value as readonly RelatedParty[]).map(({ role, type, id, name }) =>
    without({ role, type, id, name: text(name) }),
  );
}

function changesOf(value: unknown): readonly Change[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return (value as readonly Row[]).map((change) =>
    without({
      op: change['op'] as ChangeOp,
      path: text(change['path']) ?? '',
      old: jsonValue(change['old']),
      new: jsonValue(change['new']),
    }),
  );
}

/** A value from its JSON text; text that is no JSON (another producer's) stays as it is. */
function jsonValue(value: unknown): unknown {
  const json = text(value);
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return json;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const object = typeof value === 'string' ? jsonValue(value) : value;
  return typeof object === 'object' && object !== null && !Array.isArray(object)
    ? (object as Readonly<Record<string, unknown>>)
    : undefined;
}

function policyOf(row: Row): AuditEvent['policy'] {
  const level = text(row['policy_level']);
  const rule = text(row['policy_rule']);
  const weight = Number(row['weight'] ?? 1);
  if (level === undefined && rule === undefined && weight === 1) return undefined;
  return without({ level, rule, weight });
}
