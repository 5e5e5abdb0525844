/** Everything one delivery test needs of its own: topic, database, a producer, the oracle. */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { type ClickHouse, migrate, openClickHouse } from '../../clickhouse/index.ts';
import { type Judgement, judgeDelivery } from './oracle.ts';
import { until } from './until.ts';
import { spawnWorker, type WorkerPlace, type WorkerProcess } from './worker-process.ts';

export interface Message {
  readonly value: string | Buffer | null;
  readonly partition?: number;
  readonly headers?: Record<string, string>;
}

export interface SceneOptions {
  readonly brokers: readonly string[];
  readonly clickhouseUrl: string;
  readonly partitions?: number;
  readonly topicConfig?: Readonly<Record<string, string>>;
}

export interface Scene {
  readonly topic: string;
  readonly clickhouse: ClickHouse;
  /** Where workers find everything; `clickhouseUrl` can be replaced by a gate's. */
  readonly place: WorkerPlace;
  produce(messages: readonly Message[]): Promise<void>;
  worker(env?: Readonly<Record<string, string>>, place?: Partial<WorkerPlace>): WorkerProcess;
  /** A worker with one part of the protocol broken on purpose. */
  sabotagedWorker(
    how: string,
    env?: Readonly<Record<string, string>>,
    place?: Partial<WorkerPlace>,
  ): WorkerProcess;
  judge(): Promise<Judgement>;
  /** Waits until the group has committed everything that was produced, then judges. */
  judgeWhenCommitted(timeoutMs?: number): Promise<Judgement>;
  committed(): Promise<number[]>;
  close(): Promise<void>;
}

const SABOTAGED = new URL('./sabotaged-worker.ts', import.meta.url).pathname;

export async function openScene(options: SceneOptions): Promise<Scene> {
  const name = randomUUID().slice(0, 8);
  const topic = `audit.${name}`;
  const kafka = new kafkajs.Kafka({
    brokers: [...options.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      {
        topic,
        numPartitions: options.partitions ?? 2,
        configEntries: Object.entries(options.topicConfig ?? {}).map(([key, value]) => ({
          name: key,
          value,
        })),
      },
    ],
  });
  const clickhouse = openClickHouse({ url: options.clickhouseUrl, database: `ledger_${name}` });
  await migrate(clickhouse);
  const place: WorkerPlace = {
    brokers: options.brokers,
    clickhouseUrl: options.clickhouseUrl,
    database: clickhouse.database,
    topic,
  };
  const started: WorkerProcess[] = [];
  const start = (worker: WorkerProcess): WorkerProcess => {
    started.push(worker);
    return worker;
  };
  const highs = async (): Promise<number[]> => {
    const bounds = await admin.fetchTopicOffsets(topic);
    return bounds.sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
  };
  const committed = async (): Promise<number[]> => {
    const [offsets] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
    return (offsets?.partitions ?? [])
      .sort((a, b) => a.partition - b.partition)
      .map(({ offset }) => Number(offset));
  };
  const judge = (): Promise<Judgement> => judgeDelivery(options.brokers, topic, clickhouse);
  return {
    topic,
    clickhouse,
    place,
    async produce(messages) {
      // In portions: a request has an upper size.
      for (let at = 0; at < messages.length; at += 500) {
        await producer.send({
          topic,
          messages: messages.slice(at, at + 500).map((message) => ({ ...message })),
        });
      }
    },
    worker: (env, changed) => start(spawnWorker({ ...place, ...changed, ...(env && { env }) })),
    sabotagedWorker: (how, env, changed) =>
      start(
        spawnWorker({ ...place, ...changed, env: { ...env, SABOTAGE: how } }, [
          '--import',
          'tsx',
          SABOTAGED,
        ]),
      ),
    judge,
    async judgeWhenCommitted(timeoutMs) {
      const wanted = await highs();
      await until(
        'the group has committed everything',
        committed,
        (offsets) => wanted.every((high, partition) => high === 0 || offsets[partition] === high),
        timeoutMs,
      );
      return judge();
    },
    committed,
    async close() {
      for (const worker of started) {
        // A stopped process would sleep through anything else.
        worker.kill('SIGKILL');
        await worker.exited;
      }
      await Promise.all([admin.disconnect(), producer.disconnect(), clickhouse.close()]);
    },
  };
}

let sequence = 0;

/** A healthy wire row, as text; `fields` replaces or adds columns. */
export function wireRow(fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    wire_version: 1,
    event_id: randomUUID(),
    event_type: 'app.env_var.updated',
    category: 'app',
    operation: 'update',
    outcome: 'success',
    occurred_at: new Date().toISOString(),
    tenant_id: 'acme',
    actor_type: 'user',
    actor_id: 'user-1',
    target_type: 'env_var',
    target_id: `env-${sequence % 7}`,
    service: 'panel',
    producer_seq: ++sequence,
    data: { key: 'DATABASE_URL' },
    ...fields,
  });
}

/** `count` healthy messages, spread over the partitions. */
export const messages = (count: number, partitions = 2): Message[] =>
  Array.from({ length: count }, (_, index) => ({
    value: wireRow(),
    partition: index % partitions,
  }));
