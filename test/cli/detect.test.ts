import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createTopic } from '../../consumers/index.ts';
import { ledgerEvents } from '../../schemas/index.ts';
import { type Ledger, openLedger, row } from '../clickhouse/support.ts';
import { until } from '../support/until.ts';
import { type Ran, runCli } from './run-cli.ts';

const topic = `detect-${randomUUID().slice(0, 8)}`;
/** Within one hour, so that it is one finding. */
const HOUR = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - 2 * 3_600_000);
/** Several processes, one after the other. */
const SLOW = { timeout: 180_000 };
let ledger: Ledger;

const ledgerline = (...args: string[]): Promise<Ran> =>
  runCli(['detect', ...args], {
    env: {
      LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
      LEDGERLINE_KAFKA_TOPIC: topic,
      LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
      LEDGERLINE_CLICKHOUSE_DATABASE: ledger.clickhouse.database,
    },
  });

interface Sent {
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** All messages of the topic, in order. */
async function sentMessages(): Promise<Sent[]> {
  const kafka = new Kafka({ brokers: inject('brokers'), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const wanted = Number((await admin.fetchTopicOffsets(topic))[0]?.high);
  await admin.disconnect();
  const consumer = kafka.consumer({ groupId: `read-${randomUUID()}`, maxWaitTimeInMs: 50 });
  const read: Sent[] = [];
  if (wanted === 0) return read;
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      const headers = Object.entries(message.headers ?? {});
      read.push({
        value: String(message.value),
        headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
      });
      return Promise.resolve();
    },
  });
  await until(
    'the topic is read',
    () => Promise.resolve(read.length),
    (count) => count >= wanted,
  );
  await consumer.disconnect();
  return read;
}

interface Answer {
  readonly findings: readonly { readonly id: string; readonly detector: string }[];
  readonly recorded: number;
}
const answer = ({ stdout }: Ran): Answer => JSON.parse(stdout) as Answer;

beforeAll(async () => {
  await createTopic({ brokers: inject('brokers'), topic }, { partitions: 1 });
  ledger = await openLedger();
  await ledger.insert(
    Array.from({ length: 40 }, (_, n) =>
      row({
        tenant_id: 'acme',
        actor_id: 'u_\u001b[31m7',
        operation: 'delete',
        outcome: 'success',
        occurred_at: new Date(HOUR.getTime() + n * 1000).toISOString(),
      }),
    ),
  );
});

afterAll(() => ledger.close());

test(
  'R-ASK-03 detect prints findings with why, search and ids, safe for a terminal; --no-record stores none',
  SLOW,
  async () => {
    const ran = await ledgerline(
      '--since',
      '6h',
      '--only',
      'mass-deletion,actor-volume',
      '--no-record',
    );
    expect([ran.code, ran.stdout === '']).toEqual([0, false]);
    expect(ran.stdout).toContain('mass-deletion');
    expect(ran.stdout).toContain('deleted 40 times in an hour');
    expect(ran.stdout).toMatch(
      /why {5}usually 0 .*\n {4}search {2}actor:.*operation:delete.*\n {4}events {2}[0-9a-f-]{36}/,
    );
    expect(ran.stdout).not.toContain('\u001b');
    expect(ran.stderr).toContain('actor-volume could not judge acme: it needs 7 days of history');
    expect(ran.stderr).toContain('1 finding\n');
    expect(await sentMessages()).toHaveLength(0);
  },
);

test('R-ASK-03 findings are stored as events, the same finding once', SLOW, async () => {
  const first = answer(await ledgerline('--since', '6h', '--only', 'mass-deletion', '--json'));
  expect(first).toMatchObject({ recorded: 1, findings: [{ detector: 'mass-deletion' }] });
  const sent = await sentMessages();
  expect(sent).toHaveLength(1);
  const event = JSON.parse(sent[0]?.value ?? '') as Record<string, unknown>;
  expect(event).toMatchObject({
    event_id: first.findings[0]?.id,
    event_type: 'ledger.finding.reported',
    tenant_id: 'acme',
    target_type: 'user',
    retention_class: 'archive',
  });
  expect(
    ledgerEvents.resolve('ledger.finding.reported')?.data.safeParse(event['data']).success,
  ).toBe(true);
  // Before it has arrived, a repeat bears the same id and time, by which the worker knows it.
  const again = answer(await ledgerline('--since', '12h', '--only', 'mass-deletion', '--json'));
  expect(again.findings.map(({ id }) => id)).toEqual([event['event_id']]);
  const repeat = (await sentMessages())[1];
  expect(JSON.parse(repeat?.value ?? '')).toMatchObject({
    event_id: event['event_id'],
    occurred_at: event['occurred_at'],
  });
  expect(repeat?.headers).toMatchObject({ 'll-dup': '1' });
  // When it has, nothing is sent, and findings lead to no findings.
  const { lease: _, ...stored } = row({
    ...event,
    kafka_offset: 999,
    data: JSON.stringify(event['data']),
  });
  await ledger.insert([stored]);
  const third = answer(await ledgerline('--since', '6h', '--json'));
  expect(third).toMatchObject({ recorded: 0, findings: [{ id: event['event_id'] }] });
});

test('what it is asked wrongly it says, with what there is', SLOW, async () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 2, /--since is missing/],
    [['--since', 'soon'], 2, /--since is no time/],
    [['--since', '1d', '--set', 'z'], 2, /detector\.threshold=value/],
    [['--since', '1d', '--only', 'none'], 2, /actor-volume, type-volume/],
  ];
  for (const [args, code, text] of cases) {
    const ran = await ledgerline(...args);
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringMatching(text)]);
  }
  const list = await ledgerline('--list');
  expect(list.stdout).toContain('unusual-hour.distance=4');
});
