import { addressOf } from './address.ts';
import { PRODUCER_COLUMNS, type ProducerColumnName, type StandardPaths } from './columns.ts';
import { encodeRow } from './encode-row.ts';
import type { AuditEvent } from './event.ts';
import { setAt } from './standard-path.ts';
import { SEVERITIES, type Operation, type Outcome, type Severity } from './vocabulary.ts';

/** An event in another format. */
export type StandardEvent = Record<string, unknown>;

type Converters = Readonly<
  Partial<Record<ProducerColumnName, (value: unknown, column: string) => unknown>>
>;

/** Every column that the event has, at the path that the table gives it, in the format's own values. */
function mapped(
  event: AuditEvent,
  standard: keyof StandardPaths,
  start: StandardEvent,
  converters: Converters,
): StandardEvent {
  const row = JSON.parse(encodeRow(event).toString('utf8')) as Record<string, unknown>;
  for (const column of PRODUCER_COLUMNS) {
    const paths: StandardPaths = column.standards;
    const path = paths[standard];
    const value = row[column.name];
    if (path === undefined || value === undefined) continue;
    setAt(start, path, converters[column.name]?.(value, column.name) ?? value);
  }
  return start;
}

/** {@link AuditEvent} words in a format's own; what it has no word for is named beside it. */
const oneOf =
  <W extends string>(words: Readonly<Record<W, unknown>>) =>
  (value: unknown): unknown =>
    words[value as W];

const plainAddress = (value: unknown): string => addressOf(String(value));

/**
 * The event as a CloudEvent 1.0 (structured JSON): context attributes for what filters and routes,
 * the rest under `data`.
 *
 * @example
 * toCloudEvent(event).type; // 'app.env_var.updated'
 */
export const toCloudEvent = (event: AuditEvent): StandardEvent =>
  mapped(
    event,
    'cloudEvents',
    { specversion: '1.0', datacontenttype: 'application/json', data: {} },
    {
      source_ip: plainAddress,
      trace_id: digits,
      // Both extensions are typed: sequence a string, sampledrate a positive integer.
      producer_seq: String,
      weight: (value) => Math.max(1, Math.round(Number(value))),
    },
  );

const OCSF_ACTIVITY: Readonly<Record<Operation, number>> = {
  unknown: 0,
  create: 1,
  read: 2,
  update: 3,
  delete: 4,
  execute: 99,
  export: 99,
};
const OCSF_STATUS: Readonly<Record<Outcome, number>> = {
  unknown: 0,
  success: 1,
  failure: 2,
  denied: 2,
};
/** API Activity, in the category Application Activity. */
const OCSF_CLASS = 6003;

/** The event as OCSF 1.4, class API Activity (6003); what OCSF has no field for is in `unmapped`. */
export const toOcsf = (event: AuditEvent): StandardEvent =>
  mapped(
    event,
    'ocsf',
    {
      category_uid: 6,
      class_uid: OCSF_CLASS,
      type_uid: OCSF_CLASS * 100 + OCSF_ACTIVITY[event.operation],
      activity_name: event.operation,
      status: event.outcome,
      severity: event.severity,
      metadata: { version: '1.4.0', product: { vendor_name: 'Ledgerline' } },
    },
    {
      event_version: String,
      operation: oneOf(OCSF_ACTIVITY),
      outcome: oneOf(OCSF_STATUS),
      severity: oneOf<Severity>(SEVERITIES),
      occurred_at: (value) => Date.parse(String(value)),
      source_ip: plainAddress,
      trace_id: digits,
      weight: (value) => Math.max(1, Math.round(Number(value))),
    },
  );

const ECS_TYPE: Readonly<Record<Operation, string>> = {
  unknown: 'info',
  create: 'creation',
  read: 'access',
  update: 'change',
  delete: 'deletion',
  execute: 'start',
  export: 'access',
};
const ENDING = { unknown: 'unknown', success: 'success', failure: 'failure', denied: 'failure' };

/** The event as an Elastic Common Schema 8 document; what ECS has no field for is in `ledgerline`. */
export const toEcs = (event: AuditEvent): StandardEvent =>
  mapped(
    event,
    'ecs',
    { ecs: { version: '8.17.0' }, event: { kind: 'event' } },
    {
      operation: oneOf(ECS_TYPE),
      outcome: oneOf<Outcome>(ENDING),
      severity: oneOf<Severity>(SEVERITIES),
      source_ip: plainAddress,
      trace_id: digits,
      attributes: labels,
    },
  );

/** ECS labels are keywords whose names have no dots. */
const labels = (value: unknown): unknown =>
  Object.fromEntries(
    Object.entries(value as Record<string, string>).map(([key, text]) => [
      key.replaceAll('.', '_'),
      text,
    ]),
  );

const attachment = (value: unknown, column: string): unknown => ({
  name: column,
  contentType: 'application/json',
  content: value,
});
const tag = (value: unknown, column: string): unknown => `${column}:${String(value)}`;

/** The event as a CADF 1.0 (DMTF DSP0262) activity; what CADF has no field for is a tag or an attachment. */
export const toCadf = (event: AuditEvent): StandardEvent =>
  mapped(
    event,
    'cadf',
    { typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event', eventType: 'activity' },
    {
      event_version: tag,
      category: tag,
      outcome: oneOf<Outcome>(ENDING),
      related: attachment,
      source_ip: plainAddress,
      producer_seq: tag,
      trace_id: (value, column) => tag(digits(value), column),
      correlation_id: tag,
      message: attachment,
      changes: attachment,
      data: attachment,
      execution: attachment,
      retention_class: tag,
      policy_level: tag,
      policy_rule: tag,
      weight: tag,
      attributes: attachment,
    },
  );

/** A trace id as W3C writes it. */
function digits(value: unknown): string {
  return String(value).replaceAll('-', '');
}
