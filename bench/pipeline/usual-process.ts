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
const fetchBytesPerPartition = Number(env('FETCH_BYTES_PER_PARTITION'));
const partitionsAtOnce = Number(env('PARTITIONS_AT_ONCE'));

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
  maxBytesPerPartition: fetchBytesPerPartition,
  // kafkajs's default, or more where four partitions would not fit in.
  maxBytes: Math.max(10 << 20, 4 * fetchBytesPerPartition),
});
await consumer.connect();
await consumer.subscribe({ topics: [env('TOPIC')], fromBeginning: true });
const topicId = env('TOPIC_ID');
// Named, because the engine looks for the ephemeral lease only among the columns that are.
const columns = INSERT_COLUMNS as [string, ...string[]];

await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: partitionsAtOnce,
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
