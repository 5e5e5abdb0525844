/**
 * Where the counts disagree: which offsets are absent, which are there more than once. Asked for in
 * buckets, so that neither the engine nor we hold more than a bucket's offsets at a time.
 */
import type { ClickHouse } from '../../clickhouse/index.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from '../ledger-sink.ts';
import { type OffsetRange, rangesOf } from '../offset-ranges.ts';

const BUCKET = 262_144;

export interface Searched {
  readonly topicId: string;
  readonly partition: number;
  /** Offsets from `from` up to, not including, `to`. */
  readonly from: number;
  readonly to: number;
  readonly timeoutMs: number;
}

const OFFSETS = [LEDGER_TABLE, QUARANTINE_TABLE]
  .map(
    (table) =>
      `SELECT kafka_offset AS offset FROM ${table}
       WHERE kafka_topic_id = {topicId:UUID} AND kafka_partition = {partition:UInt32}
         AND kafka_offset >= {from:UInt64} AND kafka_offset < {to:UInt64}`,
  )
  .join(' UNION ALL ');

interface Bucket {
  readonly bucket: string;
  readonly offsets: string;
  readonly rows: string;
}

const buckets = (clickhouse: ClickHouse, searched: Searched): Promise<Bucket[]> =>
  clickhouse.query<Bucket>(
    `SELECT intDiv(offset, ${BUCKET}) AS bucket, groupBitmap(offset) AS offsets, count() AS rows
     FROM (${OFFSETS}) GROUP BY bucket ORDER BY bucket`,
    { params: paramsOf(searched), timeoutMs: searched.timeoutMs },
  );

/** The offsets in neither table, as ascending ranges, a bucket's at a time. */
export async function* absentRanges(
  clickhouse: ClickHouse,
  searched: Searched,
): AsyncGenerator<OffsetRange[]> {
  const { from, to } = searched;
  if (to <= from) return;
  const held = new Map(
    (await buckets(clickhouse, searched)).map(({ bucket, offsets }) => [
      Number(bucket),
      Number(offsets),
    ]),
  );
  for (let bucket = Math.floor(from / BUCKET); bucket * BUCKET < to; bucket++) {
    const first = Math.max(from, bucket * BUCKET);
    const end = Math.min(to, (bucket + 1) * BUCKET);
    const there = held.get(bucket) ?? 0;
    if (there === end - first) continue;
    if (there === 0) yield [{ first, last: end - 1 }];
    else yield gapsIn(clickhouse, { ...searched, from: first, to: end });
  }
}

async function gapsIn(clickhouse: ClickHouse, searched: Searched): Promise<OffsetRange[]> {
  const rows = await clickhouse.query<{ first: string; last: string }>(
    // Where the next offset that is held is not the next offset, there is a gap; both ends are held up.
    `SELECT offset + 1 AS first, following - 1 AS last FROM (
       SELECT offset, leadInFrame(offset, 1, {to:Int64}) OVER (ORDER BY offset ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS following
       FROM (SELECT DISTINCT toInt64(offset) AS offset FROM (${OFFSETS} UNION ALL SELECT {from:Int64} - 1 AS offset)))
     WHERE following > offset + 1 ORDER BY first`,
    { params: paramsOf(searched), timeoutMs: searched.timeoutMs },
  );
  return rows.map(({ first, last }) => ({ first: Number(first), last: Number(last) }));
}

/** The first of the offsets with more than one row, as up to `limit` ranges. */
export async function doubledRanges(
  clickhouse: ClickHouse,
  searched: Searched,
  limit: number,
): Promise<OffsetRange[]> {
  const found: number[] = [];
  for (const { bucket, offsets, rows } of await buckets(clickhouse, searched)) {
    if (rows === offsets) continue;
    const from = Math.max(searched.from, Number(bucket) * BUCKET);
    const to = Math.min(searched.to, (Number(bucket) + 1) * BUCKET);
    const doubled = await clickhouse.query<{ offset: string }>(
      `SELECT offset FROM (${OFFSETS}) GROUP BY offset HAVING count() > 1 ORDER BY offset`,
      { params: paramsOf({ ...searched, from, to }), timeoutMs: searched.timeoutMs },
    );
    for (const { offset } of doubled) found.push(Number(offset));
    if (rangesOf(found).length > limit) break;
  }
  return rangesOf(found).slice(0, limit);
}

const paramsOf = ({ topicId, partition, from, to }: Searched) => ({ topicId, partition, from, to });
