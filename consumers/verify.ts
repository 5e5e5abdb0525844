/**
 * Proves, partition by partition, that every offset the broker holds is stored once, quarantined once,
 * or not yet consumed. Offsets are compared as bitmaps inside the engine: counts and ranges alone would
 * miss one lost row beside one doubled.
 */
import type { ClickHouse } from '../clickhouse/index.ts';
import { type OffsetRange, rangesOf } from './offset-ranges.ts';
import type { KafkaOptions } from './kafka.ts';
import { describeTopic, type PartitionBounds } from './topic.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from './ledger-sink.ts';

export interface PartitionReport {
  readonly partition: number;
  /** First offset that Kafka holds, and the one the next message will get. */
  readonly low: number;
  readonly high: number;
  /** The group's committed offset; `null` when nothing was ever committed. */
  readonly committed: number | null;
  /** Offsets in `audit_events`, each counted once. */
  readonly stored: number;
  /** Offsets in `audit_quarantine`, each counted once. */
  readonly quarantined: number;
  /** Rows beyond the first of any offset, in one table or across both. */
  readonly doubled: number;
  /** Committed offsets, still held by Kafka, that neither table has. */
  readonly missing: number;
  /** Offsets behind the committed one that are not stored yet. */
  readonly notConsumed: number;
  /** Up to ten ranges of the missing and of the doubled offsets. */
  readonly missingRanges: readonly OffsetRange[];
  readonly doubledRanges: readonly OffsetRange[];
}

export interface VerifyReport {
  readonly topic: string;
  readonly topicId: string;
  readonly group: string;
  readonly partitions: readonly PartitionReport[];
  readonly totals: {
    readonly stored: number;
    readonly quarantined: number;
    readonly doubled: number;
    readonly missing: number;
    readonly notConsumed: number;
  };
  /** No offset is missing and none is doubled. */
  readonly sound: boolean;
}

export interface VerifyOptions {
  readonly kafka: Pick<KafkaOptions, 'brokers' | 'topic' | 'group'>;
  readonly clickhouse: ClickHouse;
  /** Deadline of the comparison of one partition. Default 60,000 ms. */
  readonly timeoutMs?: number;
}

const KAFKA_DEADLINE_MS = 5_000;
const SHOWN_RANGES = 10;

/**
 * Compares the broker's offsets with the ledger's. Reads only; workers may run meanwhile: what they
 * have stored and not yet committed counts as stored.
 *
 * @throws WorkerError KAFKA_UNREACHABLE, KAFKA_TOPIC_MISSING; ClickHouseUnreachable, ClickHouseError
 * @example
 * const report = await verify({ kafka: { brokers: ['127.0.0.1:9092'], topic: 'audit.events', group: 'ledgerline' }, clickhouse });
 * if (!report.sound) process.exitCode = 1;
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const { kafka, clickhouse } = options;
  const facts = await describeTopic(
    {
      ...kafka,
      clientId: 'ledgerline-verify',
      connectionTimeoutMs: 3_000,
      requestTimeoutMs: 10_000,
    },
    KAFKA_DEADLINE_MS,
  );
  const partitions: PartitionReport[] = [];
  for (const bounds of facts.partitions) {
    partitions.push(await compare(clickhouse, facts.topicId, bounds, options.timeoutMs ?? 60_000));
  }
  const total = (of: 'stored' | 'quarantined' | 'doubled' | 'missing' | 'notConsumed'): number =>
    partitions.reduce((sum, report) => sum + report[of], 0);
  const totals = {
    stored: total('stored'),
    quarantined: total('quarantined'),
    doubled: total('doubled'),
    missing: total('missing'),
    notConsumed: total('notConsumed'),
  };
  return {
    topic: kafka.topic,
    topicId: facts.topicId,
    group: kafka.group,
    partitions,
    totals,
    sound: totals.missing === 0 && totals.doubled === 0,
  };
}

async function compare(
  clickhouse: ClickHouse,
  topicId: string,
  bounds: PartitionBounds,
  timeoutMs: number,
): Promise<PartitionReport> {
  const { partition, low, high } = bounds;
  const committed = bounds.committed ?? low;
  const params = { topicId, partition, low, committed, high };
  const rowsOf = (table: string): string =>
    `SELECT kafka_offset AS offset FROM ${table} WHERE kafka_topic_id = {topicId:UUID} AND kafka_partition = {partition:UInt32}`;
  const [counts] = await clickhouse.query<
    Record<'stored' | 'quarantined' | 'both' | 'rows' | 'settled' | 'ahead', string>
  >(
    `WITH
       (SELECT groupBitmapState(toUInt64(offset)) FROM (${rowsOf(LEDGER_TABLE)})) AS ledger,
       (SELECT groupBitmapState(toUInt64(offset)) FROM (${rowsOf(QUARANTINE_TABLE)})) AS quarantine,
       bitmapOr(ledger, quarantine) AS either
     SELECT
       bitmapCardinality(ledger) AS stored,
       bitmapCardinality(quarantine) AS quarantined,
       bitmapAndCardinality(ledger, quarantine) AS both,
       (SELECT count() FROM (${rowsOf(LEDGER_TABLE)} UNION ALL ${rowsOf(QUARANTINE_TABLE)})) AS rows,
       bitmapCardinality(bitmapSubsetInRange(either, {low:UInt64}, {committed:UInt64})) AS settled,
       bitmapCardinality(bitmapSubsetInRange(either, {committed:UInt64}, {high:UInt64})) AS ahead`,
    { params, timeoutMs },
  );
  const stored = Number(counts?.stored);
  const quarantined = Number(counts?.quarantined);
  const offsets = stored + quarantined - Number(counts?.both);
  const doubled = Number(counts?.rows) - offsets;
  const expected = Math.max(0, committed - low);
  const missing = expected - Number(counts?.settled);
  const doubledOffsets =
    doubled === 0
      ? []
      : await clickhouse.query<{ offset: string }>(
          `SELECT offset FROM (${rowsOf(LEDGER_TABLE)} UNION ALL ${rowsOf(QUARANTINE_TABLE)})
           GROUP BY offset HAVING count() > 1 ORDER BY offset LIMIT 1000`,
          { params, timeoutMs },
        );
  const missingRanges =
    missing === 0
      ? []
      : await clickhouse.query<{ first: string; last: string }>(
          // Where the next settled offset is not the next offset, there is a gap.
          `SELECT first, last FROM (
             SELECT offset + 1 AS first, leadInFrame(offset, 1, {committed:Int64}) OVER (ORDER BY offset ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) - 1 AS last
             FROM (SELECT DISTINCT offset FROM (
               ${rowsOf(LEDGER_TABLE)} UNION ALL ${rowsOf(QUARANTINE_TABLE)} UNION ALL SELECT {low:Int64} - 1 AS offset)
               WHERE offset >= {low:Int64} - 1 AND offset < {committed:Int64}))
           WHERE first <= last ORDER BY first LIMIT ${SHOWN_RANGES}`,
          { params, timeoutMs },
        );
  return {
    partition,
    low,
    high,
    committed: bounds.committed ?? null,
    stored,
    quarantined,
    doubled,
    missing,
    // Stored ahead of the commit: a worker is between its insert and its commit just now.
    notConsumed: Math.max(0, high - committed - Number(counts?.ahead)),
    missingRanges: missingRanges.map(({ first, last }) => ({
      first: Number(first),
      last: Number(last),
    })),
    doubledRanges: rangesOf(doubledOffsets.map(({ offset }) => Number(offset))).slice(
      0,
      SHOWN_RANGES,
    ),
  };
}
