/**
 * The slow path: the engine has refused a batch and named one row; here every row of it is judged at
 * once. A row is left as it is, mended (keys of a newer SDK move to `attributes`), or rejected with a
 * reason. Pure: retention and the time are passed in.
 */
import { isIPv4 } from 'node:net';
import { PRODUCER_COLUMNS } from '../schemas/columns.ts';
import { PROTECTED_CATEGORIES } from '../schemas/vocabulary.ts';
import { type WireRow, wireRowSchema } from '../schemas/wire-row.ts';
import { WIRE_VERSION } from '../schemas/wire-version.ts';
import type { Rejection } from './quarantine.ts';
import { type TopLevelField, topLevelFields } from './top-level-fields.ts';

export type Verdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'mended'; readonly value: Buffer }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** What decides whether a row has expired: the table's own classes. */
export interface Expiry {
  readonly nowMs: number;
  /** `undefined` for a class that the table does not know. */
  daysOf(retentionClass: string): number | undefined;
}

const PRODUCER_KEYS: ReadonlySet<string> = new Set(PRODUCER_COLUMNS.map(({ name }) => name));
/** Columns that the worker or the table fills: a message that brings one claims to be somewhere else. */
const OURS = /^(kafka_\w+|lease|ingested_at)$/;
const INTEGERS: ReadonlySet<string> = new Set(
  PRODUCER_COLUMNS.filter(({ type }) => type.startsWith('UInt')).map(({ name }) => name),
);
const PINNED: ReadonlySet<string> = new Set(PROTECTED_CATEGORIES);
const DAY_MS = 86_400_000;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';

const rejected = (reason: Rejection['reason'], error: string): Verdict => ({
  kind: 'rejected',
  rejection: { reason, error },
});

export function judge(message: Buffer, expiry: Expiry): Verdict {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message.toString('utf8'));
  } catch {
    return rejected('not_json', 'the message is not valid JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return rejected('not_one_object', 'the message is not a JSON object');
  }
  const row = parsed as Record<string, unknown>;
  const fields = topLevelFields(message);
  const keys = fields.map(({ key }) => key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) return rejected('duplicate_keys', `key ${named(twice)} stands twice`);
  const forged = keys.find((key) => OURS.test(key));
  if (forged !== undefined) {
    return rejected('forged', `key ${named(forged)} is the worker's to fill, not a producer's`);
  }
  const version = row['wire_version'];
  if (typeof version === 'number' && version > WIRE_VERSION) {
    return rejected(
      'future_version',
      `wire_version ${version} is newer than this worker, which knows ${WIRE_VERSION}; replay after an upgrade`,
    );
  }
  const unknown = fields.filter(({ key }) => !PRODUCER_KEYS.has(key));
  const known = unknown.length > 0 ? withoutUnknown(row, unknown) : row;
  const checked = wireRowSchema.safeParse(withMappedAddress(known));
  if (!checked.success) {
    const faults = checked.error.issues.slice(0, 5);
    return rejected(
      'invalid',
      faults
        .map(({ path, message: rule }) => `${path.map(String).join('.') || 'row'}: ${rule}`)
        .join('; '),
    );
  }
  const broken = unreadable(fields, known) ?? brokenRule(checked.data, expiry);
  if (broken) return { kind: 'rejected', rejection: broken };
  if (unknown.length > 0) return { kind: 'mended', value: rewritten(fields, known['attributes']) };
  return { kind: 'fine' };
}

/**
 * What the table's constraints say (clickhouse/migrations), beyond what the schema of the wire says: a
 * rule that is missing here lets the engine's word stand row by row, and soon stops the worker.
 */
function brokenRule(row: WireRow, expiry: Expiry): Rejection | undefined {
  const invalid = (error: string): Rejection => ({ reason: 'invalid', error });
  if (row.wire_version !== WIRE_VERSION) return invalid(`wire_version: must be ${WIRE_VERSION}`);
  if (row.event_id === NIL_UUID) return invalid('event_id: must not be the nil UUID');
  const retentionClass = row.retention_class ?? 'standard';
  if (PINNED.has(row.category) && retentionClass !== 'protected' && retentionClass !== 'archive') {
    return invalid(`retention_class: category ${named(row.category)} is kept in class protected`);
  }
  const occurred = Date.parse(row.occurred_at);
  if (occurred > expiry.nowMs + DAY_MS) {
    return invalid('occurred_at: more than a day ahead of the ledger');
  }
  if (occurred < DAY_MS) return invalid('occurred_at: before 1970-01-02');
  const days = expiry.daysOf(retentionClass);
  if (days === undefined) return invalid('retention_class: not one that the table knows');
  if (occurred + days * DAY_MS <= expiry.nowMs) {
    return {
      reason: 'expired',
      error: `occurred_at: older than the ${days} days of its retention class`,
    };
  }
  return undefined;
}

/**
 * The engine takes an IPv4 address as it is: a row that is stored among healthy ones must not be
 * quarantined because one of its neighbours is bad.
 */
function withMappedAddress(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { source_ip: address } = row;
  const isPlain = typeof address === 'string' && isIPv4(address);
  return isPlain ? { ...row, source_ip: `::ffff:${address}` } : row;
}

/** What is valid JSON, and what the engine still would not read. */
function unreadable(
  fields: readonly TopLevelField[],
  known: Readonly<Record<string, unknown>>,
): Rejection | undefined {
  const misspelt = fields.find(({ key, text }) => INTEGERS.has(key) && !/^\d+$/.test(text));
  if (misspelt) {
    return { reason: 'invalid', error: `${misspelt.key}: an integer is written in digits alone` };
  }
  for (const key in known) {
    // Kept as the text they stand in, so that the engine never decodes their strings.
    if (key === 'data' || key === 'execution') continue;
    if (hasLoneSurrogate(known[key])) {
      return { reason: 'invalid', error: `${key}: half of a surrogate pair is not a character` };
    }
  }
  return undefined;
}

function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, one]) => hasLoneSurrogate(key) || hasLoneSurrogate(one));
}

/** A newer SDK's keys: kept, under `attributes`, as text. */
function withoutUnknown(
  row: Readonly<Record<string, unknown>>,
  unknown: readonly TopLevelField[],
): Record<string, unknown> {
  const known: Record<string, unknown> = { ...row };
  for (const { key } of unknown) delete known[key];
  const { attributes = {} } = known;
  // What is no map of attributes stays, and is refused for it.
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    return known;
  }
  const moved = unknown.map(({ key, text }) => {
    const value = row[key];
    return [`ledger.unmapped.${key}`, typeof value === 'string' ? value : text];
  });
  return { ...known, attributes: { ...attributes, ...Object.fromEntries(moved) } };
}

/** From the texts, not from the parsed values: what JavaScript rounds must reach the ledger as it was. */
function rewritten(fields: readonly TopLevelField[], attributes: unknown): Buffer {
  const kept = fields
    .filter(({ key }) => PRODUCER_KEYS.has(key) && key !== 'attributes')
    .map(({ key, text }) => `${JSON.stringify(key)}:${text}`);
  return Buffer.from(`{${[...kept, `"attributes":${JSON.stringify(attributes)}`].join(',')}}`);
}

/** A key as it may be shown: short, and nothing that a terminal would obey. */
const named = (key: string): string => JSON.stringify(key.slice(0, 64));
