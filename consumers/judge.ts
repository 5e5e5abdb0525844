/**
 * The slow path: the engine has refused a batch and named one row; here every row of it is judged at
 * once. A row is left as it is, mended (keys of a newer SDK move to `attributes`), or rejected with a
 * reason. Pure: retention and the time are passed in.
 */
import {
  PRODUCER_COLUMNS,
  PROTECTED_CATEGORIES,
  WIRE_VERSION,
  type WireRow,
  wireRowSchema,
} from '../schemas/index.ts';
import type { Rejection } from './quarantine.ts';
import { topLevelKeys } from './top-level-keys.ts';

export type Verdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'mended'; readonly value: Buffer }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** What decides whether a row has expired: the table's own classes. */
export interface Expiry {
  readonly nowMs: number;
  daysOf(retentionClass: string): number;
}

const PRODUCER_KEYS: ReadonlySet<string> = new Set(PRODUCER_COLUMNS.map(({ name }) => name));
/** Columns that the worker or the table fills: a message that brings one claims to be somewhere else. */
const OURS = /^(kafka_\w+|lease|ingested_at)$/;
const PINNED: ReadonlySet<string> = new Set(PROTECTED_CATEGORIES);
const DAY_MS = 86_400_000;

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
  const keys = topLevelKeys(message);
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
  const unknown = keys.filter((key) => !PRODUCER_KEYS.has(key));
  const known = unknown.length > 0 ? withoutUnknown(row, unknown) : row;
  const checked = wireRowSchema.safeParse(known);
  if (!checked.success) {
    const faults = checked.error.issues.slice(0, 5);
    return rejected(
      'invalid',
      faults
        .map(({ path, message: rule }) => `${path.map(String).join('.') || 'row'}: ${rule}`)
        .join('; '),
    );
  }
  const broken = brokenRule(checked.data, expiry);
  if (broken) return { kind: 'rejected', rejection: broken };
  if (unknown.length > 0) return { kind: 'mended', value: Buffer.from(JSON.stringify(known)) };
  return { kind: 'fine' };
}

/** What the table's constraints say, in the same words. */
function brokenRule(row: WireRow, expiry: Expiry): Rejection | undefined {
  const retentionClass = row.retention_class ?? 'standard';
  if (PINNED.has(row.category) && retentionClass !== 'protected' && retentionClass !== 'archive') {
    return {
      reason: 'invalid',
      error: `retention_class: category ${named(row.category)} is kept in class protected`,
    };
  }
  const occurred = Date.parse(row.occurred_at);
  const days = expiry.daysOf(retentionClass);
  if (occurred + days * DAY_MS <= expiry.nowMs) {
    return {
      reason: 'expired',
      error: `occurred_at: older than the ${days} days of its retention class`,
    };
  }
  return undefined;
}

/** A newer SDK's keys: kept, under `attributes`, as text. */
function withoutUnknown(
  row: Record<string, unknown>,
  unknown: readonly string[],
): Record<string, unknown> {
  const known: Record<string, unknown> = { ...row };
  const attributes: Record<string, unknown> =
    typeof row['attributes'] === 'object' && row['attributes'] !== null
      ? { ...(row['attributes'] as Record<string, unknown>) }
      : {};
  for (const key of unknown) {
    const value = row[key];
    delete known[key];
    attributes[`ledger.unmapped.${key}`] =
      typeof value === 'string' ? value : JSON.stringify(value);
  }
  return { ...known, attributes };
}

/** A key as it may be shown: short, and nothing that a terminal would obey. */
const named = (key: string): string => JSON.stringify(key.slice(0, 64));
