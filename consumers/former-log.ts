/** What is left in the ledger of a topic that was deleted and made again under the same name. */
import type { ClickHouse } from '../clickhouse/index.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from './ledger-sink.ts';
import type { Origin } from './splice.ts';
import type { Holdings } from './start-position.ts';

/**
 * The last log that has left rows of this partition under another topic id, with its highest offset;
 * none when its loss is on record. Reads a column of the whole ledger, so it is asked only where nothing
 * vouches for the committed offset.
 */
export async function formerLog(
  clickhouse: ClickHouse,
  { topic, topicId, partition }: Origin,
): Promise<Holdings['former']> {
  const [former] = await clickhouse.query<{ id: string; last: string }>(
    `SELECT kafka_topic_id AS id, max(kafka_offset) AS last FROM ${LEDGER_TABLE}
     WHERE kafka_topic = {topic:String} AND kafka_partition = {partition:UInt32} AND kafka_topic_id != {topicId:UUID}
     GROUP BY id ORDER BY max(ingested_at) DESC LIMIT 1`,
    { params: { topic, topicId, partition } },
  );
  if (!former) return undefined;
  const accepted = await clickhouse.query(
    `SELECT kafka_offset FROM ${QUARANTINE_TABLE}
     WHERE kafka_topic_id = {id:UUID} AND kafka_partition = {partition:UInt32} AND reason = 'accepted_loss' LIMIT 1`,
    { params: { id: former.id, partition } },
  );
  return accepted.length > 0 ? undefined : { topicId: former.id, last: Number(former.last) };
}
