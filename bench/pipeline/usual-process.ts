/**
 * The usual consumer, as a competent team writes it: batches as fetched, partitions side by side,
 * rows as objects, the offset committed after the insert. At least once; nothing more.
 */
import { createClient } from '@clickhouse/client';
import kafkajs from 'kafkajs';
import { INSERT_COLUMNS } from '../../schemas/index.ts';

const env = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};
/** Eight times kafkajs's default: a fetch is a batch, and small inserts cost the engine merges. */
const FETCH_BYTES_PER_PARTITION = 8 * 1024 * 1024;
const PARTITIONS_AT_ONCE = 4;

const clickhouse = createClient({
  url: env('CLICKHOUSE_URL'),
  database: env('DATABASE'),
  clickhouse_settings: { async_insert: 0, date_time_input_format: 'best_effort' },
});
const kafka = new kafkajs.Kafka({
  clientId: 'usual',
  brokers: env('BROKERS').split(','),
  logLevel: kafkajs.logLevel.WARN,
});
const consumer = kafka.consumer({
  groupId: env('GROUP'),
  maxBytesPerPartition: FETCH_BYTES_PER_PARTITION,
  maxBytes: PARTITIONS_AT_ONCE * FETCH_BYTES_PER_PARTITION,
});
await consumer.connect();
await consumer.subscribe({ topics: [env('TOPIC')], fromBeginning: true });
const topicId = env('TOPIC_ID');
// Named, because the engine looks for the ephemeral lease only among the columns that are.
const columns = INSERT_COLUMNS as [string, ...string[]];

await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
  eachBatch: async (payload) => {
    const { batch } = payload;
    if (!payload.isRunning() || payload.isStale()) return;
    const values = batch.messages.map((message) => ({
      ...(JSON.parse(message.value?.toString() ?? '{}') as Record<string, unknown>),
      kafka_topic: batch.topic,
      kafka_topic_id: topicId,
      kafka_partition: batch.partition,
      kafka_offset: message.offset,
      kafka_timestamp: Number(message.timestamp),
    }));
    await clickhouse.insert({ table: 'audit_events', columns, values, format: 'JSONEachRow' });
    payload.resolveOffset(batch.lastOffset());
    await consumer.commitOffsets([
      {
        topic: batch.topic,
        partition: batch.partition,
        offset: String(BigInt(batch.lastOffset()) + 1n),
      },
    ]);
    await payload.heartbeat();
  },
});

process.once('SIGTERM', () => {
  void consumer
    .disconnect()
    .then(() => clickhouse.close())
    .finally(() => process.exit());
});
