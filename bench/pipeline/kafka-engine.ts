import { PRODUCER_COLUMNS } from '../../schemas/index.ts';
import { type Contender, type Place, SOME_TOPIC_ID } from './contender.ts';

/** What was best for it on this machine of what bench/RESULTS.md lists. */
export interface KafkaEngineSettings {
  readonly consumers: number;
  readonly blockRows: number;
  readonly flushMs: number;
  readonly threadPerConsumer: boolean;
}

const BEST: KafkaEngineSettings = {
  consumers: 2,
  blockRows: 65_536,
  flushMs: 1_000,
  threadPerConsumer: true,
};

/** ClickHouse's own way: a table that reads Kafka, and a view that moves its rows into the ledger. */
export const kafkaEngine = (settings: KafkaEngineSettings = BEST): Contender => ({
  name: 'kafkaEngine',
  async start(place) {
    const { clickhouse } = place;
    await clickhouse.command(queue(place, settings));
    // Reading begins when the first view is there.
    await clickhouse.command(VIEW);
    return {
      failed: new Promise<never>(() => undefined),
      stop: async () => {
        await clickhouse.command('DROP TABLE IF EXISTS from_kafka SYNC', { timeoutMs: 60_000 });
        await clickhouse.command('DROP TABLE IF EXISTS kafka_queue SYNC', { timeoutMs: 60_000 });
      },
    };
  },
});

function queue(place: Place, settings: KafkaEngineSettings): string {
  const columns = PRODUCER_COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ');
  return `CREATE TABLE kafka_queue (${columns}) ENGINE = Kafka
    SETTINGS kafka_broker_list = '${place.brokers.join(',')}', kafka_topic_list = '${place.topic}',
      kafka_group_name = '${place.group}', kafka_format = 'JSONEachRow',
      kafka_num_consumers = ${settings.consumers},
      kafka_thread_per_consumer = ${Number(settings.threadPerConsumer)},
      kafka_max_block_size = ${settings.blockRows}, kafka_poll_max_batch_size = ${settings.blockRows},
      kafka_flush_interval_ms = ${settings.flushMs}, date_time_input_format = 'best_effort'`;
}

const SENT = PRODUCER_COLUMNS.map(({ name }) => name).join(', ');
const VIEW = `CREATE MATERIALIZED VIEW from_kafka TO audit_events AS
  SELECT ${SENT}, _topic AS kafka_topic, toUUID('${SOME_TOPIC_ID}') AS kafka_topic_id,
    toUInt32(_partition) AS kafka_partition, _offset AS kafka_offset,
    assumeNotNull(_timestamp_ms) AS kafka_timestamp
  FROM kafka_queue`;
