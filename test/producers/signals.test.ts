import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { until } from '../support/until.ts';

const SERVICE = fileURLToPath(
  new URL('../../dist/test/support/closing-service.js', import.meta.url),
);
const brokers = inject('brokers');
const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
beforeAll(() => admin.connect());
afterAll(() => admin.disconnect());

async function run(
  OCCASION: string,
  signal?: NodeJS.Signals,
  env: Readonly<Record<string, string>> = {},
) {
  const topic = `signals-${randomUUID()}`;
  onTestFinished(() => admin.deleteTopics({ topics: [topic] }));
  // kafkajs's own waiting fails when it asks a moment too early.
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1 }] });
  await until(
    'the topic is there',
    () => admin.fetchTopicMetadata({ topics: [topic] }),
    ({ topics }) => topics[0]?.partitions.length === 1,
  );
  const child = spawn(process.execPath, [SERVICE], {
    env: { PATH: process.env['PATH'], BROKERS: brokers[0], TOPIC: topic, OCCASION, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  await once(child.stdout, 'data');
  if (signal !== undefined) child.kill(signal);
  const [code, by] = await exited;
  const [end] = await admin.fetchTopicOffsets(topic);
  return { code, by, messages: Number(end?.high) };
}

describe('R-EDGE-06: a ledger that closes by itself', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s everything pending is delivered, and the signal still ends the process',
    async (signal) => {
      const { code, by, messages } = await run(signal, signal);
      // The event, the reports of start and close, the policy.
      expect({ code, by, messages }).toEqual({ code: null, by: signal, messages: 4 });
    },
  );

  test('what the requests in hand say after the signal is delivered too', async () => {
    const { code, by, messages } = await run('SIGTERM', 'SIGTERM', { DRAIN: 'yes' });
    // One event more than above.
    expect({ code, by, messages }).toEqual({ code: null, by: 'SIGTERM', messages: 5 });
  });

  test('a script that is done ends, with everything delivered, though Kafka was connected', async () => {
    const { code, by, messages } = await run('beforeExit');
    expect({ code, by, messages }).toEqual({ code: 0, by: null, messages: 5 });
  });
});
