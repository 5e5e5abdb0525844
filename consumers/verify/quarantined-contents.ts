/** Compares quarantined messages with what Kafka holds: bytes, key, headers and time. */
import { createHash } from 'node:crypto';
import { type ClickHouse, ERASED_ATTRIBUTE, ERASED_NUMBER } from '../../clickhouse/index.ts';
import { envelopeOf, type Row, valueOf } from '../backlog.ts';
import { QUARANTINE_TABLE } from '../ledger-sink.ts';
import type { Origin } from '../splice.ts';
import { storedTime } from '../stored-time.ts';
import type { Alteration } from './report.ts';

/** Kept without their bodies: the event is in the ledger, or there never was a message. */
const WITHOUT_BODY = new Set(['duplicate', 'accepted_loss']);

const NO_BODY = createHash('sha256').digest('hex');
const ERASED_HEADERS: ReadonlySet<string> = new Set([ERASED_ATTRIBUTE, ERASED_NUMBER]);

export interface KeptMessage {
  readonly offset: number;
  readonly reason: string;
  readonly sha256: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestamp: number;
}

/** What the quarantine holds of a range, without the messages themselves. */
export async function quarantinedIn(
  clickhouse: ClickHouse,
  origin: Origin,
  first: number,
  last: number,
  timeoutMs: number,
): Promise<KeptMessage[]> {
  const rows = await clickhouse.query<
    Pick<KeptMessage, 'reason' | 'key' | 'sha256' | 'headers'> & {
      offset: string;
      timestamp: string;
    }
  >(
    `SELECT kafka_offset AS offset, reason, lower(hex(SHA256(message))) AS sha256, message_key AS key,
       headers, toUnixTimestamp64Milli(kafka_timestamp) AS timestamp
     FROM ${QUARANTINE_TABLE} WHERE kafka_topic_id = {topicId:UUID} AND kafka_partition = {partition:UInt32}
       AND kafka_offset BETWEEN {first:UInt64} AND {last:UInt64}`,
    { params: { topicId: origin.topicId, partition: origin.partition, first, last }, timeoutMs },
  );
  return rows.map((row) => ({
    ...row,
    offset: Number(row.offset),
    timestamp: Number(row.timestamp),
  }));
}

/** How an erasure leaves a message: without body and key, no headers but its own, its time untouched. Pure. */
export const isErased = (row: Row, kept: KeptMessage): boolean =>
  kept.sha256 === NO_BODY &&
  kept.key === '' &&
  Object.hasOwn(kept.headers, ERASED_ATTRIBUTE) &&
  Object.keys(kept.headers).every((name) => ERASED_HEADERS.has(name)) &&
  storedTime(row.timestamp) === kept.timestamp;

/** Which columns are not what came; none where all are. Pure. */
export function quarantineAlteration(row: Row, kept: KeptMessage): Alteration | undefined {
  const { key, headers } = envelopeOf(row);
  const columns: string[] = [];
  const body = createHash('sha256').update(valueOf(row)).digest('hex');
  if (!WITHOUT_BODY.has(kept.reason) && body !== kept.sha256) columns.push('message');
  if (key !== kept.key) columns.push('message_key');
  if (!sameHeaders(headers, kept.headers)) columns.push('headers');
  if (storedTime(row.timestamp) !== kept.timestamp) columns.push('kafka_timestamp');
  return columns.length === 0
    ? undefined
    : { offset: row.offset, table: 'audit_quarantine', columns };
}

function sameHeaders(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
}
