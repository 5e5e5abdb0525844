/** Everything one delivery test needs of its own: topic, database, producers, workers, the oracle. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { type ClickHouse, openClickHouse } from '../../clickhouse/index.ts';
import { PROJECT_ROOT } from '../../local/project-root.ts';
import { dropLedger, makeLedger } from './ledger-template.ts';
import { type Load, type LoadOptions, startLoad } from './load.ts';
import { type Judgement, judgeDelivery } from './oracle.ts';
import { Sent } from './sent.ts';
import { until } from './until.ts';
import type { Message } from './wire-row.ts';
import { spawnWorker, type WorkerPlace, type WorkerProcess } from './worker-process.ts';

export interface SceneOptions {
  readonly brokers: readonly string[];
  readonly clickhouseUrl: string;
  /** Default 4. */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly topicConfig?: Readonly<Record<string, string>>;
}

export interface Scene {
  readonly topic: string;
  readonly clickhouse: ClickHouse;
  /** What its producers wrote down. */
  readonly sent: Sent;
  /** Where workers find everything; broker and ClickHouse can be replaced by a proxy or a gate. */
  readonly place: WorkerPlace;
  produce(messages: readonly Message[]): Promise<void>;
  /** A producer that goes on until it is stopped, whatever happens to the broker. */
  load(perSecond: number, options?: Pick<LoadOptions, 'poisonEvery'>): Load;
  worker(env?: Readonly<Record<string, string>>, place?: Partial<WorkerPlace>): WorkerProcess;
  /** A worker with one part of the protocol broken on purpose. */
  sabotagedWorker(
    how: string,
    env?: Readonly<Record<string, string>>,
    place?: Partial<WorkerPlace>,
  ): WorkerProcess;
  judge(options?: { transactional?: boolean }): Promise<Judgement>;
  /** Waits until the group has committed everything that was produced, then judges. */
  judgeWhenCommitted(timeoutMs?: number, options?: { transactional?: boolean }): Promise<Judgement>;
  committed(): Promise<number[]>;
  close(): Promise<void>;
}

export { messages, wireRow } from './wire-row.ts';

const SABOTAGED = join(PROJECT_ROOT, 'dist', 'test', 'support', 'sabotaged-worker.js');

export async function openScene(options: SceneOptions): Promise<Scene> {
  const name = randomUUID().slice(0, 8);
  const topic = `audit.${name}`;
  const partitions = options.partitions ?? 4;
  const kafka = new kafkajs.Kafka({
    brokers: [...options.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  await admin.createTopics({
    // kafkajs waits for leaders with one question, which a broker answers too early to know.
    waitForLeaders: false,
    topics: [
      {
        topic,
        numPartitions: partitions,
        replicationFactor: options.replicationFactor ?? 1,
        configEntries: Object.entries(options.topicConfig ?? {}).map(([key, value]) => ({
          name: key,
          value,
        })),
      },
    ],
  });
  await until(
    'the topic has leaders',
    () => admin.fetchTopicMetadata({ topics: [topic] }),
    ({ topics }) => topics[0]?.partitions.every(({ leader }) => leader >= 0) ?? false,
  );
  const clickhouse = openClickHouse({ url: options.clickhouseUrl, database: `ledger_${name}` });
  const isCopy = await makeLedger(clickhouse);
  const place: WorkerPlace = {
    brokers: options.brokers,
    clickhouseUrl: options.clickhouseUrl,
    database: clickhouse.database,
    topic,
  };
  const sent = new Sent();
  const started: WorkerProcess[] = [];
  const loads: Load[] = [];
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
  const judge: Scene['judge'] = (how) =>
    judgeDelivery({ brokers: options.brokers, topic, clickhouse, sent, ...how });
  return {
    topic,
    clickhouse,
    sent,
    place,
    async produce(messages) {
      // In portions: a request has an upper size.
      for (let at = 0; at < messages.length; at += 500) {
        const portion = messages.slice(at, at + 500);
        const digests = sent.attempt(portion.map(({ value }) => value));
        const answers = await producer.send({
          topic,
          messages: portion.map((message) => ({ ...message })),
        });
        for (const { partition, baseOffset } of answers) {
          let offset = Number(baseOffset);
          portion.forEach((message, index) => {
            if (message.partition === partition)
              sent.acknowledge(partition, offset++, digests[index] ?? '');
          });
        }
      }
    },
    load: (perSecond, more) => {
      const { brokers } = options;
      const load = startLoad({ brokers, topic, partitions, perSecond, sent, ...more });
      loads.push(load);
      return load;
    },
    worker: (env, changed) => start(spawnWorker({ ...place, ...changed, ...(env && { env }) })),
    sabotagedWorker: (how, env, changed) =>
      start(spawnWorker({ ...place, ...changed, env: { ...env, SABOTAGE: how } }, [SABOTAGED])),
    judge,
    async judgeWhenCommitted(timeoutMs, how) {
      const wanted = await highs();
      await until(
        'the group has committed everything',
        committed,
        (offsets) => wanted.every((high, partition) => high === 0 || offsets[partition] === high),
        timeoutMs,
      );
      return judge(how);
    },
    committed,
    async close() {
      for (const worker of started) {
        // A stopped process would sleep through anything else.
        worker.kill('SIGKILL');
        await worker.exited;
      }
      await Promise.all(loads.map((load) => load.stop()));
      await Promise.all([admin.disconnect(), producer.disconnect()]);
      // An engine of the test's own may be gone; the run's goes on, and looks after every table it has.
      if (isCopy) await dropLedger(clickhouse);
      await clickhouse.close();
    },
  };
}
