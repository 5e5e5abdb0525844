import { wireAddress } from './address.ts';
import { PRODUCER_COLUMNS, type ProducerColumnName } from './columns.ts';
import { WIRE_VERSION } from './wire-version.ts';
import { LedgerlineError } from './errors.ts';
import type { AuditEvent } from './event.ts';
import {
  writeAttributes,
  writeChanges,
  writeMessage,
  writeObject,
  writeRelated,
} from './free-fields.ts';
import { wireInstant } from './instant.ts';
import type { RowWriter } from './row-writer.ts';
import { OPERATIONS, OUTCOMES, SEVERITIES } from './vocabulary.ts';

/** `,"actor_id":` and so on, from the table of columns. */
const KEY = Object.fromEntries(
  PRODUCER_COLUMNS.map(({ name }): [string, Uint8Array] => [name, Buffer.from(`,"${name}":`)]),
) as Record<ProducerColumnName, Uint8Array>;

const START = Buffer.from(`{"wire_version":${WIRE_VERSION},"event_id":`);

const invalid = (column: ProducerColumnName, rule: string): LedgerlineError =>
  new LedgerlineError('EVENT_INVALID', `The event's ${column} ${rule}.`, {
    hint: 'Emit through the SDK, which fills what is absent, or give the field.',
  });

/**
 * One event as one JSON object, its keys in the table's order. Written by hand, since this is the
 * most of what a kept `emit` costs: no intermediate object, no second pass over short strings.
 */
export function writeRow(writer: RowWriter, event: AuditEvent): void {
  const { actor, target, error } = event;
  writer.prepared(START);
  if (!writer.uuid(event.id)) throw invalid('event_id', 'must be a UUID');
  writeKind(writer, event);
  writeInstant(writer, event.occurredAt);
  optional(writer, 'tenant_id', event.tenant);
  required(writer, 'actor_type', actor?.type);
  required(writer, 'actor_id', actor?.id);
  optional(writer, 'actor_name', actor?.name);
  if (target !== undefined) {
    optional(writer, 'target_type', target.type);
    optional(writer, 'target_id', target.id);
    optional(writer, 'target_name', target.name);
  }
  if (event.related !== undefined) writeRelated(writer, KEY.related, event.related);
  if (event.sourceIp !== undefined) writeSource(writer, event.sourceIp);
  writeOrigin(writer, event);
  if (event.traceId !== undefined) writeTrace(writer, event.traceId);
  optional(writer, 'correlation_id', event.correlationId);
  long(writer, 'reason', event.reason);
  if (event.message !== undefined) writeMessage(writer, KEY.message, event.message);
  if (error !== undefined) {
    optional(writer, 'error_code', error.code);
    long(writer, 'error_message', error.message);
  }
  if (event.changes !== undefined) writeChanges(writer, KEY.changes, event.changes);
  if (event.data !== undefined) writeObject(writer, 'data', KEY.data, event.data);
  if (event.execution !== undefined) {
    writeObject(writer, 'execution', KEY.execution, event.execution);
  }
  writeKeeping(writer, event);
  // Last, since they say what was cut from the others.
  writeAttributes(writer, KEY.attributes, event.attributes);
  writer.ascii('}');
}

function optional(writer: RowWriter, column: ProducerColumnName, value: unknown): void {
  if (value !== undefined) writer.text(column, KEY[column], value, writer.limits.label);
}

function long(writer: RowWriter, column: ProducerColumnName, value: unknown): void {
  if (value !== undefined) writer.text(column, KEY[column], value, writer.limits.text);
}

function required(writer: RowWriter, column: ProducerColumnName, value: unknown): void {
  if (!writer.text(column, KEY[column], value, writer.limits.label)) {
    throw invalid(column, 'is required');
  }
}

/** Whether one of these is among a vocabulary's words; "constructor" is not. */
function word(
  writer: RowWriter,
  column: ProducerColumnName,
  words: Readonly<Record<string, number>>,
  value: unknown,
): void {
  if (typeof value !== 'string' || !Object.hasOwn(words, value))
    throw invalid(column, 'is not one of its words');
  writer.prepared(KEY[column]);
  writer.quoted(value);
}

/*
 * Neighbouring columns that come again and again with the same values are written once and then
 * copied: a copy costs a tenth. What was cut is never kept, since it must be noted each time.
 */

interface Kind {
  readonly version: number;
  readonly category: string;
  readonly operation: string;
  readonly severity: string;
  readonly bytes: Uint8Array;
}

/** By outcome and event type; free-form types have no end, so it does. */
const kinds = new Map(Object.keys(OUTCOMES).map((outcome) => [outcome, new Map<string, Kind>()]));
const MAX_KINDS = 1000;

function writeKind(writer: RowWriter, event: AuditEvent): void {
  const { version, category, operation, outcome, severity } = event;
  const ofOutcome = kinds.get(outcome);
  const known = ofOutcome?.get(event.type);
  if (
    known !== undefined &&
    known.version === version &&
    known.category === category &&
    known.operation === operation &&
    known.severity === severity
  ) {
    return writer.prepared(known.bytes);
  }
  const start = writer.at;
  required(writer, 'event_type', event.type);
  writer.prepared(KEY.event_version);
  writer.ascii(versionOf(version));
  required(writer, 'category', category);
  word(writer, 'operation', OPERATIONS, operation);
  word(writer, 'outcome', OUTCOMES, outcome);
  word(writer, 'severity', SEVERITIES, severity);
  if (ofOutcome === undefined || writer.cuts !== undefined) return;
  if (known === undefined && ofOutcome.size >= MAX_KINDS) return;
  const bytes = writer.since(start);
  ofOutcome.set(event.type, { version, category, operation, severity, bytes });
}

function versionOf(version: unknown): string {
  if (Number.isInteger(version) && (version as number) >= 1 && (version as number) <= 65_535) {
    return String(version);
  }
  throw invalid('event_version', 'must be an integer from 1 to 65,535');
}

function writeInstant(writer: RowWriter, value: string | Date): void {
  const text = wireInstant(value);
  if (text === undefined) {
    throw invalid('occurred_at', 'must be an instant between the years 1900 and 2299');
  }
  writer.prepared(KEY.occurred_at);
  writer.marker(text);
}

function writeSource(writer: RowWriter, source: unknown): void {
  const address = typeof source === 'string' ? wireAddress(source) : undefined;
  if (address === undefined) return writer.keepAside('source.address', source);
  writer.prepared(KEY.source_ip);
  writer.marker(address);
}

function writeTrace(writer: RowWriter, trace: unknown): void {
  const start = writer.at;
  writer.prepared(KEY.trace_id);
  if (typeof trace === 'string' && writer.uuid(trace)) return;
  writer.at = start;
  writer.keepAside('ledger.unmapped.trace_id', trace);
}

/** Service and process are the same for every event that this process makes. */
let originService: unknown;
let originId: unknown;
let originBytes: Uint8Array = new Uint8Array();

function writeOrigin(writer: RowWriter, { service, producer }: AuditEvent): void {
  const id = producer?.id;
  if (service === originService && id === originId) writer.prepared(originBytes);
  else {
    const start = writer.at;
    required(writer, 'service', service);
    if (producer !== undefined) {
      writer.prepared(KEY.producer_id);
      if (!writer.uuid(producer.id)) throw invalid('producer_id', 'must be a UUID');
      writer.prepared(KEY.producer_seq);
    }
    if (writer.cuts === undefined) {
      [originService, originId, originBytes] = [service, id, writer.since(start)];
    }
  }
  if (producer === undefined) return;
  const { seq } = producer;
  if (!Number.isSafeInteger(seq) || seq < 0) throw invalid('producer_seq', 'must be an integer');
  writer.ascii(String(seq));
}

interface Keeping {
  readonly level: unknown;
  readonly rule: unknown;
  readonly weight: unknown;
  readonly bytes: Uint8Array;
}

/** How long it is kept, and why it was kept: the same for most events of a retention class. */
const keepings = new Map<string | undefined, Keeping>();
const MAX_KEEPINGS = 100;

function writeKeeping(writer: RowWriter, { retentionClass, policy }: AuditEvent): void {
  const level = policy?.level;
  const rule = policy?.rule;
  const weight = policy?.weight;
  const known = keepings.get(retentionClass);
  if (
    known !== undefined &&
    level === known.level &&
    rule === known.rule &&
    weight === known.weight
  ) {
    return writer.prepared(known.bytes);
  }
  const start = writer.at;
  optional(writer, 'retention_class', retentionClass);
  optional(writer, 'policy_level', level);
  optional(writer, 'policy_rule', rule);
  if (typeof weight === 'number' && weight >= 1 && weight < Infinity) {
    writer.prepared(KEY.weight);
    writer.ascii(String(weight));
  }
  // A caller without types may pass an object, which may be another's tomorrow.
  if (writer.cuts !== undefined || typeof retentionClass === 'object') return;
  if (keepings.size >= MAX_KEEPINGS) keepings.clear();
  keepings.set(retentionClass, { level, rule, weight, bytes: writer.since(start) });
}
