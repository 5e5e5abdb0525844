/** An outbox of a test's own: a database with the tables, services that write, relays that publish. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { migrateOutbox, openSession, outboxInsert, type OutboxRoles } from '../../outbox/index.ts';
import { createLedger, infrastructure } from '../../producers/index.ts';
import type { Postgres } from '../support/postgres.ts';
import { query } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const CLI = fileURLToPath(new URL('../../dist/cli/ledgerline.js', import.meta.url));

/** Prepares events; never connects. */
const ledger = createLedger({
  service: 'shop',
  catalog: [infrastructure],
  kafka: { brokers: ['127.0.0.1:1'] },
  reportIntervalMs: false,
  actor: { type: 'user', id: 'u_7' },
});

/** The INSERT of one event about this target. */
export function insertFor(target: string, schema = 'public') {
  const prepared = ledger.prepare('app.env_var.updated', {
    target: { id: target, name: 'DATABASE_URL' },
    data: { key: 'DATABASE_URL' },
  });
  const insert = outboxInsert(prepared, { schema });
  if (insert === undefined || prepared.status !== 'prepared') throw new Error('not prepared');
  const values: [string, string, string] = [...insert.values];
  return { text: insert.text, values, id: prepared.id, key: prepared.key };
}

/** A database with the outbox in it. */
export async function openOutbox(
  postgres: Postgres,
  { schema = 'public', roles = {} }: { schema?: string; roles?: OutboxRoles } = {},
): Promise<string> {
  const url = await postgres.database();
  const session = await openSession(url);
  await migrateOutbox(session, schema, roles);
  await session.close();
  return url;
}

export interface RelayProcess {
  readonly log: () => string;
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** `ledgerline outbox relay`, as operators run it. */
export function spawnRelay(
  url: string,
  brokers: readonly string[],
  topic: string,
  env: Readonly<Record<string, string>> = {},
): RelayProcess {
  const child = spawn(process.execPath, [CLI, 'outbox', 'relay'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      LEDGERLINE_OUTBOX_URL: url,
      LEDGERLINE_OUTBOX_POLL_MS: '100',
      LEDGERLINE_OUTBOX_BATCH_ROWS: '50',
      LEDGERLINE_KAFKA_BROKERS: brokers.join(','),
      LEDGERLINE_KAFKA_TOPIC: topic,
      ...env,
    },
  });
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  return { log: () => log, exited, kill: (signal) => void child.kill(signal) };
}

export const logged = (relay: RelayProcess, text: string, timeoutMs?: number): Promise<string> =>
  until(
    `the relay logs "${text}"`,
    () => Promise.resolve(relay.log()),
    (log) => log.includes(text),
    timeoutMs,
  );

export const pendingOf = (url: string): Promise<number> =>
  query<{ pending: number }>(url, 'SELECT count(*)::int AS pending FROM ledgerline_outbox').then(
    ([row]) => row?.pending ?? -1,
  );

/** Waits until relays have emptied the outbox. */
export const emptied = (url: string, timeoutMs?: number): Promise<number> =>
  until(
    'the outbox is empty',
    () => pendingOf(url),
    (pending) => pending === 0,
    timeoutMs,
  );

/** Has a relay publish all that is there and end in order; answers the topic of this test alone. */
export async function relayAll(
  url: string,
  brokers: readonly string[],
  { env, topicSettings }: RelayAll = {},
): Promise<string> {
  const topic = `outbox.${randomUUID()}`;
  await makeTopic(brokers, topic, topicSettings);
  const relay = spawnRelay(url, brokers, topic, env);
  await emptied(url);
  relay.kill('SIGTERM');
  const code = await relay.exited;
  if (code !== 0) throw new Error(`the relay ended with ${code}: ${relay.log()}`);
  return topic;
}

interface RelayAll {
  readonly env?: Readonly<Record<string, string>>;
  readonly topicSettings?: { name: string; value: string }[];
}

export async function makeTopic(
  brokers: readonly string[],
  topic: string,
  configEntries: { name: string; value: string }[] = [],
): Promise<void> {
  const admin = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions: 2, configEntries }],
  });
  await admin.disconnect();
}

interface Message {
  readonly key: string;
  readonly id: string;
  readonly mayRepeat: boolean;
}

/** Everything in a topic, partition by partition in its order. */
export async function readTopic(brokers: readonly string[], topic: string): Promise<Message[]> {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const bounds = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const wanted = bounds.reduce((sum, { high }) => sum + Number(high), 0);
  const messages: Message[] = [];
  const consumer = kafka.consumer({
    groupId: `reader-${topic}-${Date.now()}`,
    maxWaitTimeInMs: 50,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message: { key, headers } }) => {
      messages.push({
        key: key?.toString() ?? '',
        id: String(headers?.['ll-id']),
        mayRepeat: headers?.['ll-dup'] !== undefined,
      });
      return Promise.resolve();
    },
  });
  await until(
    'the topic is read',
    () => Promise.resolve(messages.length),
    (count) => count >= wanted,
  );
  await consumer.disconnect();
  return messages;
}

/** Without repeats, as workers store it: by key, in order. */
export function storedByKey(
  messages: readonly { readonly key: string; readonly id: string }[],
): Map<string, string[]> {
  const seen = new Set<string>();
  const byKey = new Map<string, string[]>();
  for (const { key, id } of messages) {
    if (seen.has(id)) continue;
    seen.add(id);
    byKey.set(key, [...(byKey.get(key) ?? []), id]);
  }
  return byKey;
}
