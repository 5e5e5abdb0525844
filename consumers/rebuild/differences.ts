/** How the new table differs from the ledger's, as far as a swap must not happen for it. */
import type { ClickHouse } from '../../clickhouse/index.ts';
import { QUARANTINE_TABLE } from '../ledger-sink.ts';
import { ERASED, type Pair } from './copy.ts';
import { storedColumns } from './tables.ts';

export interface SwapFaults {
  /** Offsets that the old table holds and the new one lacks. */
  readonly lacking: number;
  /** Rows of the new table beyond the first of their offset. */
  readonly doubled: number;
  /** Events that were erased in the old table and are not so in the new one. */
  readonly unerased: number;
  /** Offsets in the new table and in quarantine, too. */
  readonly quarantined: number;
}

const TIMEOUT_MS = 600_000;

/** Where the old table says "erased", row by row, and the new one says something else. */
const unerasedRows = (columns: string, { old, fresh }: Pair): string => {
  const side = (from: string, where: string): string =>
    `SELECT kafka_topic_id AS t, kafka_partition AS p, kafka_offset AS o, sipHash128(${columns}) AS h FROM ${from} WHERE ${where}`;
  return `SELECT t, p, o FROM (${side(old, ERASED)}) AS a
    INNER JOIN (${side(fresh, `(kafka_topic_id, kafka_partition, kafka_offset) IN (SELECT kafka_topic_id, kafka_partition, kafka_offset FROM ${old} WHERE ${ERASED})`)}) AS b USING (t, p, o)
    WHERE a.h != b.h`;
};

/** What the workers have quarantined and the rebuild, deciding for itself, has stored. */
const alsoQuarantined = ({ old, fresh }: Pair): string =>
  `SELECT kafka_topic_id AS t, kafka_partition AS p, kafka_offset AS o FROM ${fresh}
   WHERE (kafka_topic_id, kafka_partition, kafka_offset) IN (SELECT kafka_topic_id, kafka_partition, kafka_offset FROM ${QUARANTINE_TABLE})
     AND (kafka_topic_id, kafka_partition, kafka_offset) NOT IN (
       SELECT kafka_topic_id, kafka_partition, kafka_offset FROM ${old}
       WHERE (kafka_topic_id, kafka_partition, kafka_offset) IN (SELECT kafka_topic_id, kafka_partition, kafka_offset FROM ${QUARANTINE_TABLE}))`;

const comparable = async (clickhouse: ClickHouse): Promise<string> =>
  (await storedColumns(clickhouse)).join(', ');

/** What stands against the swap; all zero when nothing does. */
export async function swapFaults(clickhouse: ClickHouse, pair: Pair): Promise<SwapFaults> {
  const { old, fresh } = pair;
  const columns = await comparable(clickhouse);
  const held = (from: string, isOld: boolean): string =>
    `SELECT ${isOld} AS is_old, kafka_topic_id AS t, kafka_partition AS p, groupBitmapState(kafka_offset) AS held, count() AS rows FROM ${from} GROUP BY t, p`;
  const [offsets] = await clickhouse.query<{ lacking: string; doubled: string }>(
    `SELECT sum(lacking) AS lacking, sum(doubled) AS doubled FROM (
       SELECT bitmapAndnotCardinality(groupBitmapMergeStateIf(held, is_old), groupBitmapMergeStateIf(held, NOT is_old)) AS lacking,
         sumIf(rows, NOT is_old) - bitmapCardinality(groupBitmapMergeStateIf(held, NOT is_old)) AS doubled
       FROM (${held(old, true)} UNION ALL ${held(fresh, false)}) GROUP BY t, p)`,
    { timeoutMs: TIMEOUT_MS },
  );
  const countOf = async (rows: string): Promise<number> => {
    const [row] = await clickhouse.query<{ n: string }>(`SELECT count() AS n FROM (${rows})`, {
      timeoutMs: TIMEOUT_MS,
    });
    return Number(row?.n);
  };
  return {
    lacking: Number(offsets?.lacking ?? 0),
    doubled: Number(offsets?.doubled ?? 0),
    unerased: await countOf(unerasedRows(columns, pair)),
    quarantined: await countOf(alsoQuarantined(pair)),
  };
}

/**
 * Takes out of the new table what the old one knows better: events erased since they were read, which are
 * then copied as they are now, and messages that the workers have put into quarantine.
 */
export async function removeSuperseded(clickhouse: ClickHouse, pair: Pair): Promise<void> {
  const columns = await comparable(clickhouse);
  for (const rows of [unerasedRows(columns, pair), alsoQuarantined(pair)]) {
    const found = await clickhouse.query<{ t: string; p: number; o: string }>(rows, {
      timeoutMs: TIMEOUT_MS,
    });
    for (let at = 0; at < found.length; at += 1_000) {
      const places = found
        .slice(at, at + 1_000)
        .map(({ t, p, o }) => `(toUUID('${t}'), ${Number(p)}, ${Number(o)})`);
      await clickhouse.command(
        `ALTER TABLE ${pair.fresh} DELETE WHERE (kafka_topic_id, kafka_partition, kafka_offset) IN (${places.join(', ')})`,
        { settings: { mutations_sync: 2 }, timeoutMs: TIMEOUT_MS },
      );
    }
  }
}
