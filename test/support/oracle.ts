/**
 * The judge of every delivery test: the *broker's* offsets and what the producers wrote down, against what
 * the tables hold, offset by offset and byte by byte, in plain JavaScript. It shares no code with the
 * worker, nor with `ledgerline verify`.
 */
import kafkajs from 'kafkajs';
import type { ClickHouse } from '../../clickhouse/index.ts';
import { digestOf, type Sent } from './sent.ts';
import { WIRE_SELECT, wireText } from './stored-row.ts';

export interface Judgement {
  /** Messages that the broker holds. */
  readonly produced: number;
  readonly stored: number;
  readonly quarantined: number;
  /** `partition:offset` of messages in neither table. */
  readonly missing: readonly string[];
  /** `partition:offset` of messages that are there more than once. */
  readonly doubled: readonly string[];
  /** `partition:offset`, and what is stored there instead of the bytes that were sent. */
  readonly altered: readonly string[];
  /** `partition:offset` of rows that no committed message of the broker has. */
  readonly foreign: readonly string[];
}

/** No fault of any kind. */
export const FAULTLESS = { missing: [], doubled: [], altered: [], foreign: [] } as const;

export interface Case {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly clickhouse: ClickHouse;
  readonly sent: Sent;
  /** Some offsets are control or aborted records: only what was acknowledged counts as produced. */
  readonly transactional?: boolean;
}

interface Found {
  readonly offset: number;
  readonly digest: string;
  readonly text: string;
  readonly kept: 'ledger' | 'quarantine' | 'repeat';
}

/** Offsets that are looked at together: memory stays the same however long the log is. */
const WINDOW = 20_000;

export async function judgeDelivery(its: Case): Promise<Judgement> {
  const { topic, sent } = its;
  const judgement = {
    produced: 0,
    stored: 0,
    quarantined: 0,
    missing: [] as string[],
    doubled: [] as string[],
    altered: [] as string[],
    foreign: [] as string[],
  };
  for (const { partition, low, high } of await boundsOf(its)) {
    const isMessage = (offset: number): boolean =>
      offset < high && (!its.transactional || sent.acknowledged.has(`${partition}:${offset}`));
    for (let first = 0; first < high; first += WINDOW) {
      const last = Math.min(first + WINDOW, high) - 1;
      const seen = new Set<number>();
      for (const found of await rowsOf(its, partition, first, last)) {
        const at = `${partition}:${found.offset}`;
        judgement[found.kept === 'ledger' ? 'stored' : 'quarantined']++;
        if (seen.has(found.offset)) judgement.doubled.push(at);
        seen.add(found.offset);
        if (!isMessage(found.offset)) judgement.foreign.push(at);
        else if (!isWhatWasSent(sent, at, found)) judgement.altered.push(`${at} ${found.text}`);
      }
      for (let offset = Math.max(first, low); offset <= last; offset++) {
        if (!isMessage(offset)) continue;
        judgement.produced++;
        if (!seen.has(offset)) judgement.missing.push(`${partition}:${offset}`);
      }
    }
    judgement.foreign.push(...(await beyond(its, partition, high)));
    // Acknowledged, and the broker no longer knows of it.
    for (const at of sent.acknowledged.keys()) {
      const [of, offset] = at.split(':').map(Number);
      if (of === partition && Number(offset) >= high) judgement.missing.push(at);
    }
  }
  judgement.doubled = [...new Set(judgement.doubled)];
  if (judgement.stored + judgement.quarantined === 0) return judgement;
  const [strays] = await its.clickhouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM audit_events WHERE kafka_topic != {topic:String}',
    { params: { topic } },
  );
  if (strays?.rows !== '0') judgement.foreign.push(`${strays?.rows} rows of another topic`);
  return judgement;
}

function isWhatWasSent(sent: Sent, at: string, { digest, kept }: Found): boolean {
  // Of a repeat only the fact is kept.
  if (kept === 'repeat') return true;
  const recorded = sent.acknowledged.get(at);
  return recorded === undefined ? sent.attempted.has(digest) : recorded === digest;
}

async function boundsOf({ brokers, topic }: Case) {
  const admin = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    const bounds = await admin.fetchTopicOffsets(topic);
    return bounds.map(({ partition, low, high }) => ({
      partition,
      low: Number(low),
      high: Number(high),
    }));
  } finally {
    await admin.disconnect();
  }
}

async function rowsOf(its: Case, partition: number, first: number, last: number): Promise<Found[]> {
  const where = `WHERE kafka_topic = {topic:String} AND kafka_partition = {partition:UInt32}
    AND kafka_offset BETWEEN {first:UInt64} AND {last:UInt64}`;
  const params = { topic: its.topic, partition, first, last };
  const rows = await its.clickhouse.query<Record<string, unknown>>(
    `SELECT kafka_offset, ${WIRE_SELECT} FROM audit_events ${where}`,
    { params },
  );
  const refused = await its.clickhouse.query<Record<'offset' | 'digest' | 'reason', string>>(
    `SELECT kafka_offset AS offset, base64Encode(SHA1(message)) AS digest, reason
     FROM audit_quarantine ${where} AND reason != 'accepted_loss'`,
    { params },
  );
  return [
    ...rows.map((row): Found => {
      const text = wireText(row);
      return { offset: Number(row['kafka_offset']), digest: digestOf(text), text, kept: 'ledger' };
    }),
    ...refused.map(({ offset, digest, reason }): Found => ({
      offset: Number(offset),
      digest,
      text: reason,
      kept: reason === 'duplicate' ? 'repeat' : 'quarantine',
    })),
  ];
}

/** Rows at offsets that the broker has never given out. */
async function beyond(its: Case, partition: number, high: number): Promise<string[]> {
  const rows = await its.clickhouse.query<{ offset: string }>(
    `SELECT kafka_offset AS offset FROM audit_events
     WHERE kafka_topic = {topic:String} AND kafka_partition = {partition:UInt32} AND kafka_offset >= {high:UInt64}
     UNION ALL
     SELECT kafka_offset AS offset FROM audit_quarantine
     WHERE kafka_topic = {topic:String} AND kafka_partition = {partition:UInt32} AND kafka_offset >= {high:UInt64}
       AND reason != 'accepted_loss'`,
    { params: { topic: its.topic, partition, high } },
  );
  return rows.map(({ offset }) => `${partition}:${offset}`);
}
