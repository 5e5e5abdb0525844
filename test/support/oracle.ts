/**
 * The judge of every delivery test: the *broker's* offsets against what the tables hold, offset by
 * offset, in plain JavaScript. It shares no code with the worker, nor with `ledgerline verify`.
 */
import kafkajs from 'kafkajs';
import type { ClickHouse } from '../../clickhouse/index.ts';

export interface Judgement {
  /** Messages that the broker holds. */
  readonly produced: number;
  readonly stored: number;
  readonly quarantined: number;
  /** `partition:offset` of messages in neither table. */
  readonly missing: readonly string[];
  /** `partition:offset` of messages that are there more than once. */
  readonly doubled: readonly string[];
}

export async function judgeDelivery(
  brokers: readonly string[],
  topic: string,
  clickhouse: ClickHouse,
): Promise<Judgement> {
  const admin = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  const bounds = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const seen = new Map<string, number>();
  const read = async (table: string): Promise<number> => {
    const rows = await clickhouse.query<{ at: string }>(
      `SELECT concat(toString(kafka_partition), ':', toString(kafka_offset)) AS at FROM ${table} WHERE kafka_topic = {topic:String}`,
      { params: { topic } },
    );
    for (const { at } of rows) seen.set(at, (seen.get(at) ?? 0) + 1);
    return rows.length;
  };
  const stored = await read('audit_events');
  const quarantined = await read('audit_quarantine');
  const missing: string[] = [];
  let produced = 0;
  for (const { partition, low, high } of bounds) {
    for (let offset = Number(low); offset < Number(high); offset++) {
      produced++;
      if (!seen.has(`${partition}:${offset}`)) missing.push(`${partition}:${offset}`);
    }
  }
  const doubled = [...seen].filter(([, times]) => times > 1).map(([at]) => at);
  return { produced, stored, quarantined, missing, doubled };
}
