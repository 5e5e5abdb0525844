/** What is left in the ledger of a topic that was deleted and made again under the same name. */
import type { ClickHouse } from '../clickhouse/index.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from './ledger-sink.ts';
import type { Origin } from './splice.ts';
import type { Holdings } from './start-position.ts';

/**
 * The last log that has left rows of this partition under another topic id, with its highest offset;
 * none when its loss is on record.
 *
 * It is asked of every partition before its first message is read, so it must not read the ledger: which logs
 * there are is what the projection `stored_up_to` says, and its last row, which an index
 * finds, tells a log's name and time.
 */
export async function formerLog(
  clickhouse: ClickHouse,
  { topic, topicId, partition }: Origin,
): Promise<Holdings['former']> {
  const logs = await clickhouse.query<{ id: string; last: string }>(
    `SELECT kafka_topic_id AS id, max(kafka_offset) AS last FROM ${LEDGER_TABLE}
     WHERE kafka_partition = {partition:UInt32} AND kafka_topic_id != {topicId:UUID}
     GROUP BY kafka_topic_id, kafka_partition`,
    { params: { topicId, partition } },
  );
  let former: { id: string; last: string; at: string } | undefined;
  for (const { id, last } of logs) {
    // The last one may have been swept since: then any other.
    const row =
      (await rowOf(clickhouse, { id, partition }, 'kafka_offset = {last:UInt64}', { last })) ??
      (await rowOf(clickhouse, { id, partition }, '1'));
    if (row?.topic !== topic || Number(row.at) < Number(former?.at ?? 0)) continue;
    former = { id, last, at: row.at };
  }
  if (!former) return undefined;
  const accepted = await clickhouse.query(
    `SELECT kafka_offset FROM ${QUARANTINE_TABLE}
     WHERE kafka_topic_id = {id:UUID} AND kafka_partition = {partition:UInt32} AND reason = 'accepted_loss' LIMIT 1`,
    { params: { id: former.id, partition } },
  );
  return accepted.length > 0 ? undefined : { topicId: former.id, last: Number(former.last) };
}

async function rowOf(
  clickhouse: ClickHouse,
  log: { readonly id: string; readonly partition: number },
  which: string,
  params: Readonly<Record<string, unknown>> = {},
): Promise<{ topic: string; at: string } | undefined> {
  const [row] = await clickhouse.query<{ topic: string; at: string }>(
    `SELECT kafka_topic AS topic, toString(toUnixTimestamp64Milli(ingested_at)) AS at FROM ${LEDGER_TABLE}
     WHERE kafka_topic_id = {id:UUID} AND kafka_partition = {partition:UInt32} AND ${which} LIMIT 1`,
    { params: { ...log, ...params } },
  );
  return row;
}
