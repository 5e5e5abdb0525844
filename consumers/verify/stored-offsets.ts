/**
 * Which offsets the tables hold, counted inside the engine: one pass over three columns, offsets as
 * bitmaps (https://clickhouse.com/docs/sql-reference/aggregate-functions/reference/groupbitmap), so that
 * one lost row beside one doubled is seen where counts and ranges alone would agree.
 */
import type { ClickHouse } from '../../clickhouse/index.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from '../ledger-sink.ts';

/** The offsets of one partition that are compared. */
export interface Bounds {
  readonly partition: number;
  readonly from: number;
  /** What lies before it is committed. */
  readonly committed: number;
}

export interface Comparison {
  readonly topic: string;
  readonly topicId: string;
  readonly bounds: readonly Bounds[];
  /** Nothing before `from` is looked at, not even for doubles. */
  readonly onlyFrom: boolean;
  readonly timeoutMs: number;
}

/** `before`: under `from`. `settled`: from there to the committed offset. `ahead`: behind that. */
export type Region = 'before' | 'settled' | 'ahead' | 'past';

export interface RegionCount {
  readonly topicId: string;
  readonly partition: number;
  readonly region: Region;
  readonly rows: number;
  /** Distinct offsets over both tables, and of each. */
  readonly offsets: number;
  readonly stored: number;
  readonly quarantined: number;
}

const boundParams = ({ topic, topicId, bounds }: Comparison) => ({
  topic,
  topicId,
  partitions: bounds.map(({ partition }) => partition),
  from: bounds.map(({ from }) => from),
  committed: bounds.map(({ committed }) => committed),
});

const of = (name: string): string =>
  `transform(kafka_partition, {partitions:Array(UInt32)}, {${name}:Array(UInt64)}, toUInt64(0))`;

/** What is looked at, as a condition on either table. */
const compared = ({ onlyFrom }: Comparison): string =>
  onlyFrom
    ? `kafka_topic_id = {topicId:UUID} AND kafka_offset >= arrayMin({from:Array(UInt64)}) AND kafka_offset >= ${of('from')}`
    : 'kafka_topic = {topic:String}';

export async function countOffsets(
  clickhouse: ClickHouse,
  comparison: Comparison,
): Promise<RegionCount[]> {
  const region = `multiIf(kafka_topic_id != {topicId:UUID}, 'past', kafka_offset < ${of('from')}, 'before', kafka_offset < ${of('committed')}, 'settled', 'ahead')`;
  const counted = (table: string): string =>
    `SELECT '${table}' AS source, kafka_topic_id AS topic_id, kafka_partition AS partition, ${region} AS region,
       groupBitmapState(kafka_offset) AS held, count() AS rows
     FROM ${table} WHERE ${compared(comparison)} GROUP BY topic_id, partition, region`;
  const answer = await clickhouse.query<
    Record<'topicId' | 'rows' | 'offsets' | 'stored' | 'quarantined', string> & {
      partition: number;
      region: Region;
    }
  >(
    `SELECT topic_id AS topicId, partition, region, sum(rows) AS rows,
       bitmapCardinality(groupBitmapMergeState(held)) AS offsets,
       sumIf(bitmapCardinality(held), source = '${LEDGER_TABLE}') AS stored,
       sumIf(bitmapCardinality(held), source = '${QUARANTINE_TABLE}') AS quarantined
     FROM (${counted(LEDGER_TABLE)} UNION ALL ${counted(QUARANTINE_TABLE)})
     GROUP BY topic_id, partition, region`,
    { params: boundParams(comparison), timeoutMs: comparison.timeoutMs },
  );
  return answer.map((row) => ({
    ...row,
    rows: Number(row.rows),
    offsets: Number(row.offsets),
    stored: Number(row.stored),
    quarantined: Number(row.quarantined),
  }));
}

/** Quarantined messages among what is compared, by reason. */
export async function countReasons(
  clickhouse: ClickHouse,
  comparison: Comparison,
): Promise<Record<string, number>> {
  const rows = await clickhouse.query<{ reason: string; messages: string }>(
    `SELECT reason, count() AS messages FROM ${QUARANTINE_TABLE} WHERE ${compared(comparison)}
     GROUP BY reason ORDER BY reason`,
    { params: boundParams(comparison), timeoutMs: comparison.timeoutMs },
  );
  return Object.fromEntries(rows.map(({ reason, messages }) => [reason, Number(messages)]));
}
