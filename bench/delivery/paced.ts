import { type ClickHouse, migrate, openClickHouse } from '../../clickhouse/index.ts';
import { createTopic } from '../../consumers/index.ts';
import type { Stack } from '../../local/stack.ts';
import { checkLedger } from '../pipeline/check.ts';
import type { Place } from '../pipeline/contender.ts';
import { type RingProducer, ringProducer } from './ring-producer.ts';

export const PARTITIONS = 4;

export interface PacedPlace extends Place {
  readonly producer: RingProducer;
}

/** A topic and a ledger of their own for one measurement, and a producer of realistic events. */
export async function withPlace<T>(
  stack: Stack,
  name: string,
  use: (place: PacedPlace) => Promise<T>,
): Promise<T> {
  const { brokers } = stack.kafka;
  const clickhouse = openClickHouse({ url: stack.engine.url, database: name });
  try {
    await migrate(clickhouse);
    await createTopic({ brokers, topic: name }, { partitions: PARTITIONS });
    const producer = await ringProducer(brokers, name);
    try {
      return await use({
        brokers,
        topic: name,
        group: name,
        clickhouseUrl: stack.engine.url,
        database: name,
        clickhouse,
        producer,
      });
    } finally {
      await producer.close();
    }
  } finally {
    await clickhouse.command(`DROP DATABASE IF EXISTS ${name} SYNC`, {
      database: 'default',
      timeoutMs: 60_000,
    });
    await clickhouse.close();
  }
}

/** The highest stored offset of each partition. */
export async function highestOffsets(clickhouse: ClickHouse): Promise<Map<number, number>> {
  const rows = await clickhouse.query<{ partition: number; highest: string }>(
    `SELECT kafka_partition AS partition, max(kafka_offset) AS highest FROM audit_events
     GROUP BY kafka_topic_id, kafka_partition`,
  );
  return new Map(rows.map(({ partition, highest }) => [partition, Number(highest)]));
}

/** Waits until the ledger holds as many rows as the topic has messages, and checks that it holds each once. */
export async function checkAll(
  clickhouse: ClickHouse,
  events: number,
  deadlineMs: number,
): Promise<void> {
  const over = performance.now() + deadlineMs;
  for (;;) {
    const [row] = await clickhouse.query<{ rows: string }>(
      'SELECT count() AS rows FROM audit_events',
    );
    if (Number(row?.rows) >= events) break;
    if (performance.now() > over) throw new Error(`only ${row?.rows} of ${events} were stored`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await checkLedger(clickhouse, events);
}
