/**
 * Copies rows from the ledger's table into the new one, each once, also when it is killed and run again:
 * whole partitions replace the new table's, and everything else goes by the difference of the two tables'
 * offsets, through a staging table whose partitions are attached as they are. So a row that has outlived
 * its class, and would not be taken by an insert, is copied like any other.
 */
import type { ClickHouse } from '../../clickhouse/index.ts';
import type { RebuildRecord } from './record.ts';
import { createLike, stagingOf, storedColumns } from './tables.ts';

const TIMEOUT_MS = 600_000;
/** Offsets that are copied by one statement. */
const BUCKET = 100_000;
export const ERASED = "mapContains(attributes, 'ledger.erased')";

/** From which table to which. */
export interface Pair {
  readonly old: string;
  readonly fresh: string;
}

export type OnCopied = (done: number, total: number) => void;

const boundParams = ({ topicId, starts }: RebuildRecord) => ({
  topicId,
  partitions: starts.map((_, partition) => partition),
  starts,
});

/** Rows that are copied and not read: of other logs, from before the start, and those that were erased since. */
const COPIED = `(kafka_topic_id != {topicId:UUID}
  OR kafka_offset < transform(kafka_partition, {partitions:Array(UInt32)}, {starts:Array(UInt64)}, toUInt64(0))
  OR ${ERASED})`;

/** Partitions of the table of which every row is to be copied. Only before anything else is in the new table. */
export async function copyWholePartitions(
  clickhouse: ClickHouse,
  { old, fresh }: Pair,
  record: RebuildRecord,
): Promise<number> {
  const whole = await clickhouse.query<{ id: string }>(
    `SELECT _partition_id AS id FROM ${old} GROUP BY id HAVING countIf(NOT ${COPIED}) = 0`,
    { params: boundParams(record), timeoutMs: TIMEOUT_MS },
  );
  for (const { id } of whole) {
    // Replaced, not attached: to do it twice is to do it once.
    await clickhouse.command(`ALTER TABLE ${fresh} REPLACE PARTITION ID '${id}' FROM ${old}`, {
      timeoutMs: TIMEOUT_MS,
    });
  }
  return whole.length;
}

/** The rows that are copied and not read. */
export const copyWhatIsNotRead = (
  clickhouse: ClickHouse,
  pair: Pair,
  record: RebuildRecord,
  onCopied: OnCopied,
): Promise<number> => copyDifference(clickhouse, pair, COPIED, boundParams(record), onCopied);

/** Every row that the old table has and the new one lacks. */
export const copyWhatLacks = (
  clickhouse: ClickHouse,
  pair: Pair,
  onCopied: OnCopied,
): Promise<number> => copyDifference(clickhouse, pair, '1', {}, onCopied);

async function copyDifference(
  clickhouse: ClickHouse,
  { old, fresh }: Pair,
  condition: string,
  params: Readonly<Record<string, unknown>>,
  onCopied: OnCopied,
): Promise<number> {
  const buckets = await clickhouse.query<{
    topicId: string;
    partition: number;
    bucket: string;
    lacking: string;
  }>(
    `SELECT topic_id AS topicId, partition, bucket,
       bitmapAndnotCardinality(groupBitmapMergeStateIf(held, is_old), groupBitmapMergeStateIf(held, NOT is_old)) AS lacking
     FROM (
       SELECT true AS is_old, kafka_topic_id AS topic_id, kafka_partition AS partition, intDiv(kafka_offset, ${BUCKET}) AS bucket, groupBitmapState(kafka_offset) AS held
       FROM ${old} WHERE ${condition} GROUP BY topic_id, partition, bucket
       UNION ALL
       SELECT false, kafka_topic_id AS topic_id, kafka_partition AS partition, intDiv(kafka_offset, ${BUCKET}) AS bucket, groupBitmapState(kafka_offset)
       FROM ${fresh} GROUP BY topic_id, partition, bucket)
     GROUP BY topic_id, partition, bucket HAVING lacking > 0 ORDER BY topic_id, partition, bucket`,
    { params, timeoutMs: TIMEOUT_MS },
  );
  const total = buckets.reduce((sum, { lacking }) => sum + Number(lacking), 0);
  let done = 0;
  onCopied(done, total);
  if (total === 0) return 0;
  const staging = stagingOf(fresh);
  await clickhouse.command(`DROP TABLE IF EXISTS ${staging} SYNC`, { timeoutMs: TIMEOUT_MS });
  await createLike(clickhouse, staging);
  // Rows that are over their time are taken as they are: the new table's own TTL will see to them.
  await clickhouse.command(
    `ALTER TABLE ${staging} DROP CONSTRAINT IF EXISTS not_expired, REMOVE TTL`,
    { timeoutMs: TIMEOUT_MS },
  );
  const columns = (await storedColumns(clickhouse)).join(', ');
  for (const { topicId, partition, bucket, lacking } of buckets) {
    const first = Number(bucket) * BUCKET;
    const where = `kafka_topic_id = {of:UUID} AND kafka_partition = {partition:UInt32}
      AND kafka_offset >= {first:UInt64} AND kafka_offset < {end:UInt64}`;
    await clickhouse.command(
      `INSERT INTO ${staging} (${columns}) SELECT ${columns} FROM ${old}
       WHERE ${where} AND ${condition} AND kafka_offset NOT IN (SELECT kafka_offset FROM ${fresh} WHERE ${where})`,
      {
        params: { ...params, of: topicId, partition, first, end: first + BUCKET },
        settings: {
          max_partitions_per_insert_block: 10_000,
          async_insert: 0,
          insert_deduplicate: 0,
        },
        timeoutMs: TIMEOUT_MS,
      },
    );
    const parts = await clickhouse.query<{ id: string }>(
      `SELECT DISTINCT _partition_id AS id FROM ${staging}`,
      { timeoutMs: TIMEOUT_MS },
    );
    for (const { id } of parts) {
      await clickhouse.command(`ALTER TABLE ${fresh} ATTACH PARTITION ID '${id}' FROM ${staging}`, {
        timeoutMs: TIMEOUT_MS,
      });
    }
    // What is left here after a kill is thrown away: the difference is asked for anew.
    await clickhouse.command(`TRUNCATE TABLE ${staging} SYNC`, { timeoutMs: TIMEOUT_MS });
    done += Number(lacking);
    onCopied(done, total);
  }
  await clickhouse.command(`DROP TABLE ${staging} SYNC`, { timeoutMs: TIMEOUT_MS });
  return total;
}
