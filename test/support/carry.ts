import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { ClickHouse } from '../../clickhouse/index.ts';
import { createTopic, startWorker, verify, workerConfig } from '../../consumers/index.ts';
import { row } from '../clickhouse/support.ts';
import { until } from './until.ts';

interface Place {
  readonly brokers: string[];
  readonly clickhouse: ClickHouse;
  /** How the worker reaches the same database. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What only the worker fills is left out. */
const wireRow = (fields: object): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(row({ ...fields })).filter(([name]) => !name.startsWith('kafka_')),
    ),
  );

/**
 * A worker carries so many messages of two partitions into the ledger, one of them without an actor.
 * Answers what `verify` says when every one is settled, and the worker has stopped.
 */
export async function carry(
  messages: number,
  { brokers, clickhouse, environment }: Place,
): ReturnType<typeof verify> {
  const topic = `carry-${randomUUID()}`;
  await createTopic({ brokers, topic }, { partitions: 2 });
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  // A broker that has just made a topic may answer late; what is then sent again must not count twice.
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  await producer.send({
    topic,
    messages: Array.from({ length: messages }, (_, n) => ({
      partition: n % 2,
      value: wireRow(n === 7 ? { actor_id: '' } : { event_id: randomUUID() }),
    })),
  });
  await producer.disconnect();

  const config = workerConfig({
    LEDGERLINE_KAFKA_BROKERS: brokers.join(','),
    LEDGERLINE_KAFKA_TOPIC: topic,
    LEDGERLINE_KAFKA_GROUP: topic,
    LEDGERLINE_BATCH_AGE_MS: '200',
    ...environment,
  });
  const worker = await startWorker(config, pino({ level: 'silent' }));
  onTestFinished(() => worker.stop());
  const proof = await until(
    'every message is settled',
    () => verify({ kafka: { brokers, topic, group: topic }, clickhouse }),
    ({ totals }) => totals.stored + totals.quarantined === messages,
  );
  await worker.stop();
  return proof;
}
