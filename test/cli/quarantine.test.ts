import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ClickHouse, openClickHouse } from '../../clickhouse/index.ts';
import { quarantineCommand } from '../../cli/commands/quarantine.ts';
import { exitCodeOf } from '../../cli/failure.ts';
import {
  createTopic,
  formatMessageId,
  type ListedMessage,
  openQuarantine,
  parseMessageId,
  verify,
} from '../../consumers/index.ts';
import { openGate } from '../support/gate.ts';
import { makeLedger } from '../support/ledger-template.ts';
import { until } from '../support/until.ts';
import { wireRow } from '../support/wire-row.ts';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.ts';
import { CLI, type Ran, runCli } from './run-cli.ts';

/** Each command is a process of its own. */
const PATIENT = { timeout: 240_000 };
const run = randomUUID().slice(0, 8);
const topic = `quarantine-${run}`;
const database = `quarantine_${run}`;
const folder = mkdtempSync(join(tmpdir(), 'ledgerline-quarantine-'));
const client = new kafkajs.Kafka({
  brokers: inject('brokers'),
  logLevel: kafkajs.logLevel.NOTHING,
});
const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
const admin = client.admin();
let clickhouse: ClickHouse;
let worker: WorkerProcess | undefined;

const environment = (url = inject('clickhouseUrl')): Record<string, string> => ({
  LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
  LEDGERLINE_KAFKA_TOPIC: topic,
  LEDGERLINE_KAFKA_GROUP: topic,
  LEDGERLINE_CLICKHOUSE_URL: url,
  LEDGERLINE_CLICKHOUSE_DATABASE: database,
});
const quarantine = (args: string[], env: Record<string, string> = {}): Promise<Ran> =>
  runCli(['quarantine', ...args], { env: { ...environment(), ...env } });
const json = async (args: string[]): Promise<Record<string, unknown>> => {
  const { stdout, stderr } = await quarantine([...args, '--json']);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
};

interface Sent {
  readonly value: string | Buffer | null;
  readonly partition?: number;
  readonly key?: string;
  readonly headers?: Record<string, string>;
}

/** Sends, waits until the worker has committed all of it, and tells the first one's id. */
async function consumed(messages: readonly Sent[]): Promise<string> {
  const answers = await producer.send({ topic, messages: messages.map((one) => ({ ...one })) });
  await allCommitted();
  const [first] = answers;
  return `${topic}/${first?.partition}@${first?.baseOffset}`;
}

async function allCommitted(): Promise<void> {
  const bounds = await admin.fetchTopicOffsets(topic);
  await until(
    'everything is committed',
    async () => (await admin.fetchOffsets({ groupId: topic, topics: [topic] }))[0]?.partitions,
    (offsets) =>
      bounds.every(
        ({ partition, high }) =>
          high === '0' || offsets?.find((one) => one.partition === partition)?.offset === high,
      ),
    30_000,
  );
}

const ask = <T>(sql: string, params: Record<string, unknown> = {}): Promise<T[]> =>
  clickhouse.query<T>(sql, { params });

/** How often each of these events is in the ledger. */
const timesStored = async (ids: readonly string[]): Promise<number[]> => {
  const rows = await ask<{ id: string; n: string }>(
    "SELECT event_id AS id, count() AS n FROM audit_events WHERE category = 'app' GROUP BY id",
  );
  const times = new Map(rows.map(({ id, n }) => [id, Number(n)]));
  return ids.map((id) => times.get(id) ?? 0);
};

const acts = (runId: unknown) =>
  ask<{ type: string; actor_id: string; reason: string; data: string }>(
    `SELECT event_type AS type, actor_id, reason, data FROM audit_events
     WHERE category = 'ledger' AND JSONExtractString(data, 'runId') = {runId:String}
     ORDER BY occurred_at`,
    { runId },
  );

/** A row that the ledger takes; its address as the wire has it. */
const healthy = (fields: Record<string, unknown> = {}): string =>
  wireRow({ source_ip: '::ffff:10.1.2.3', ...fields });
const broken = (fields: Record<string, unknown> = {}): { id: string; value: string } => {
  const id = randomUUID();
  return { id, value: healthy({ event_id: id, weight: 0, ...fields }) };
};

function transformFile(source: string): string {
  const file = join(folder, `${randomUUID()}.mjs`);
  writeFileSync(file, source);
  return file;
}

/** As a container would: on a machine that is busy its first contact may come too late. */
async function startWorker(env: Record<string, string>, attempts = 5): Promise<WorkerProcess> {
  const started = spawnWorker({
    brokers: inject('brokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    database,
    topic,
    env,
  });
  try {
    await started.logged('joined the group', 120_000);
    return started;
  } catch (error) {
    if (attempts <= 1) throw error;
    return startWorker(env, attempts - 1);
  }
}

beforeAll(async () => {
  clickhouse = openClickHouse({ url: inject('clickhouseUrl'), database });
  await Promise.all([
    producer.connect(),
    admin.connect(),
    makeLedger(clickhouse),
    createTopic({ brokers: inject('brokers'), topic }, { partitions: 2 }),
    createTopic({ brokers: inject('brokers'), topic: `${topic}.dead` }, { partitions: 1 }),
  ]);
  worker = await startWorker({ LEDGERLINE_DEAD_LETTER_TOPIC: `${topic}.dead` });
}, PATIENT.timeout);

afterAll(async () => {
  worker?.kill('SIGKILL');
  await worker?.exited;
  await Promise.all([producer.disconnect(), admin.disconnect(), clickhouse.close()]);
});

describe('R-DLV-06: list and show', PATIENT, () => {
  it('counts by reason, filters, and goes on from page to page', async () => {
    await consumed([
      { value: 'nonsense', partition: 0 },
      { value: null, partition: 0 },
      { value: broken().value, partition: 1 },
      { value: broken().value, partition: 1 },
    ]);
    const { store } = await openQuarantine(clickhouse, 1 << 20);
    const all = (await json(['list', '--state', 'all', '--since', '1h'])) as {
      summary: { reason: string; open: number }[];
      messages: { id: string }[];
    };
    expect(all.summary.map(({ reason, open }) => [reason, open])).toEqual([
      ['invalid', 2],
      ['not_json', 1],
      ['tombstone', 1],
    ]);
    const reasons = ['not_json', 'tombstone'];
    expect(await store.page({ reasons, partition: 0, state: 'open' }, 9)).toHaveLength(2);
    expect(await store.page({ untilMs: Date.parse('2020-01-01') }, 9)).toEqual([]);
    const ids: string[] = [];
    for (let last: ListedMessage | undefined; ;) {
      const page = await store.page({ state: 'open' }, 3, last);
      ids.push(...page.map((one) => formatMessageId(one)));
      last = page.at(-1);
      if (!last) break;
    }
    expect(ids).toEqual(all.messages.map(({ id }) => id));
  });

  it('shows what was sent without letting it do anything, and gives its exact bytes', async () => {
    const evil = Buffer.concat([
      Buffer.from('{"a":"\u001b]0;owned\u0007\u202e","b":tru'),
      Buffer.from([0xff, 0x00, 0x9b]),
    ]);
    const id = await consumed([
      { value: evil, partition: 0, key: 'acme/\u001b[2J', headers: { evil: '\u001b[31m' } },
    ]);
    const shown = await quarantine(['show', id]);
    for (const unsafe of ['\u001b', '\u0007', '\u202e', '\u0000', '\u009b']) {
      expect(shown.stdout).not.toContain(unsafe);
    }
    expect(shown.stdout).toContain('not_json');
    expect(shown.stdout).toContain('acme/\\u001b[2J');
    expect(shown.stdout).toMatch(/\^ line 1, column \d+: a control character must be escaped/);
    const child = spawn(process.execPath, [CLI, 'quarantine', 'show', id, '--raw'], {
      env: { PATH: process.env['PATH'], ...environment() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    expect(Buffer.concat(chunks).equals(evil)).toBe(true);
  });

  it.each([
    [['show', 'bogus'], /named topic\/partition@offset/],
    [['replay'], /Which messages\?/],
    [['replay', 'audit.events/0@0', '--all'], /Ids and filters are given/],
    [['replay', '--fault', 'bogus'], /one or more of tombstone/],
    [['replay', '--all', '--transform', '/nowhere.mjs'], /cannot be read/],
    [['discard', 'audit.events/0@0'], /--reason <text>' not specified/],
    [['discard', 'audit.events/0@0', '--reason', ' '], /--reason is empty/],
    [['list', '--after', 'bogus'], /no place to go on from/],
    [['list', '--since', 'yesterday'], /--since is no time/],
    [['list', '--limit', '0'], /whole number from 1 to 1000/],
  ])('refuses %j before it asks anyone', async (args, message) => {
    const command = quarantineCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    for (const inner of command.commands) inner.copyInheritedSettings(command);
    const error: unknown = await command
      .parseAsync(args, { from: 'user' })
      .catch((thrown) => thrown);
    expect([(error as Error).message, exitCodeOf(error)]).toEqual([
      expect.stringMatching(message) as string,
      2,
    ]);
  });
});

describe('R-DLV-06: replay', PATIENT, () => {
  it('sends what a transform repaired once, with key, headers, and a record of it', async () => {
    const { id: eventId, value } = broken({ target_id: 'kept' });
    const id = await consumed([{ value, key: 'acme/env_var/kept', headers: { traceparent: 't' } }]);
    const repair = transformFile('export default (event) => ({ ...event, weight: 1 })');
    const preview = await quarantine(['replay', id, '--transform', repair, '--dry-run']);
    expect(preview.stdout).toBe(`${id}  would be sent: weight: 0 → 1\n`);
    expect(await timesStored([eventId])).toEqual([0]);

    const done = await json(['replay', id, '--transform', repair, '--reason', 'INC-7']);
    expect(done).toMatchObject({ selected: 1, sent: 1, refused: 0, interrupted: false });
    await allCommitted();
    expect(await timesStored([eventId])).toEqual([1]);
    expect((await acts(done['runId'])).map(({ type, reason }) => [type, reason])).toEqual([
      ['ledger.quarantine.resolution_started', 'INC-7'],
      ['ledger.quarantine.replayed', 'INC-7'],
    ]);
    const again = await quarantine(['replay', id]);
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('resolved before')]);
    const { store } = await openQuarantine(clickhouse, 1 << 20);
    const [position] = await store.positions([parseMessageId(id)]);
    expect(position && (await store.resolutions(position))).toMatchObject([
      { reason: 'INC-7', eventId, state: 'replayed' },
    ]);
    const log = await lastMessages(topic, 1, Number(String(id).match(/\/(\d+)@/)?.[1]));
    expect(log.find(({ headers }) => headers['ll-id'] === eventId)).toMatchObject({
      key: 'acme/env_var/kept',
      headers: { traceparent: 't', 'll-dup': '1', 'll-id': eventId },
    });
  });

  it('does not send what would be refused again, nor duplicates, and says why', async () => {
    const { id: eventId, value } = broken();
    const good = healthy();
    const headers = { 'll-dup': '1' };
    const first = await consumed([
      { value, partition: 0 },
      { value: good, partition: 0, headers },
      { value: good, partition: 0, headers },
    ]);
    const at = Number(first.split('@')[1]);
    const repeat = `${topic}/0@${at + 2}`;
    const thief = transformFile(
      `import { randomUUID } from 'node:crypto';
       export default (event) => ({ ...event, weight: 1, event_id: randomUUID() })`,
    );
    const ran = await quarantine([
      'replay',
      first,
      repeat,
      '--transform',
      thief,
      '--yes',
      '--json',
    ]);
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    const { sent, refusals } = JSON.parse(ran.stdout) as {
      sent: number;
      refusals: { code: string; ids: string[] }[];
    };
    expect(sent).toBe(0);
    expect(refusals.map(({ code, ids }) => [code, ids])).toEqual([
      ['event_id_changed', [first]],
      ['not_replayable', [repeat]],
    ]);
    expect(await timesStored([eventId])).toEqual([0]);
  });

  /** Never says the same twice, but for the id; leaves the messages of other tests alone. */
  const repairOf = (target: string): string =>
    transformFile(
      `export default (event) => event.target_id !== '${target}' ? undefined
         : { ...event, weight: 1, occurred_at: new Date(Date.now() - 1e9 * Math.random()).toISOString() }`,
    );
  /** Twenty in each partition, and the command that repairs them. */
  async function quarantined(target: string): Promise<{ ids: string[]; args: string[] }> {
    const messages = Array.from({ length: 40 }, () => broken({ target_id: target }));
    await consumed(messages.map(({ value }, index) => ({ value, partition: index % 2 })));
    const args = [
      'replay',
      '--fault',
      'invalid',
      '--transform',
      repairOf(target),
      '--yes',
      '--json',
    ];
    return { ids: messages.map(({ id }) => id), args };
  }
  const MARKS = /audit_quarantine_resolutions/;

  it('killed between sending and recording, goes on where it was, and stores each once', async () => {
    const { ids, args } = await quarantined('killed');
    const gate = await openGate(inject('clickhouseUrl'), MARKS);
    const child = spawn(process.execPath, [CLI, 'quarantine', ...args], {
      env: { PATH: process.env['PATH'], ...environment(gate.url) },
      stdio: 'ignore',
    });
    // The first partition is recorded; the second is in Kafka, and nothing says so.
    (await gate.hold('before-insert')).release();
    await gate.hold('before-insert');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await gate.close();
    await allCommitted();
    const healed = await quarantine(args);
    expect(JSON.parse(healed.stdout)).toMatchObject({ sent: 0, alreadyStored: 20, refused: 0 });
    await allCommitted();
    expect(new Set(await timesStored(ids))).toEqual(new Set([1]));
  });

  it('by two at once, with two results, stores each once: the worker keeps the copies out', async () => {
    const { ids, args } = await quarantined('twice');
    worker?.kill('SIGTERM');
    await worker?.exited;
    const gate = await openGate(inject('clickhouseUrl'), MARKS);
    const held = gate.hold('before-insert');
    const first = quarantine(args, environment(gate.url));
    const mark = await held;
    const second = await quarantine(args);
    mark.release();
    expect([(await first).stderr, second.stderr]).toEqual(['', '']);
    expect(JSON.parse(second.stdout)).toMatchObject({ sent: 40, refused: 0 });
    await gate.close();
    worker = await startWorker({ LEDGERLINE_DEAD_LETTER_TOPIC: `${topic}.dead` });
    await allCommitted();
    expect(new Set(await timesStored(ids))).toEqual(new Set([1]));
    const [repeats] = await ask<{ n: string }>(
      "SELECT count() AS n FROM audit_quarantine WHERE reason = 'duplicate' AND headers['ll-replay-of'] != ''",
    );
    expect(Number(repeats?.n)).toBe(20);
    const kafka = { brokers: inject('brokers'), topic, group: topic };
    expect(await verify({ kafka, clickhouse })).toMatchObject({ sound: true });
  });

  it('control: without the header of a replay, a changed time doubles the event', async () => {
    const { id, value } = broken();
    const times = ['2026-11-20T00:00:00Z', '2026-11-21T00:00:00Z'];
    for (const occurred_at of times) {
      const repaired = JSON.stringify({ ...(JSON.parse(value) as object), weight: 1, occurred_at });
      await consumed([{ value: repaired, partition: 0, headers: { 'll-dup': '1' } }]);
    }
    expect(await timesStored([id])).toEqual([2]);
  });
});

describe('R-DLV-06: discard', PATIENT, () => {
  it('needs a reason, changes no message, and is on record', async () => {
    const id = await consumed([{ value: 'rubbish', partition: 1 }]);
    const done = await json(['discard', id, '--reason', 'load test', '--actor', 'u_7']);
    expect(done).toMatchObject({ discarded: 1, interrupted: false });
    const shown = await json(['show', id]);
    expect([shown['state'], shown['text']]).toEqual(['discarded', 'rubbish']);
    expect(shown['resolutions']).toMatchObject([{ resolvedBy: 'u_7', reason: 'load test' }]);
    await allCommitted();
    expect((await acts(done['runId'])).map(({ type, actor_id }) => [type, actor_id])).toEqual([
      ['ledger.quarantine.resolution_started', 'u_7'],
      ['ledger.quarantine.discarded', 'u_7'],
    ]);
  });

  it('does nothing that it cannot put on record', async () => {
    const id = await consumed([{ value: 'rubbish', partition: 1 }]);
    const ran = await quarantine(['discard', id, '--reason', 'x'], {
      LEDGERLINE_KAFKA_BROKERS: '127.0.0.1:1',
    });
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toContain('Kafka');
    const { store } = await openQuarantine(clickhouse, 1 << 20);
    const open = await store.page({ positions: await store.positions([parseMessageId(id)]) }, 1);
    expect(open.map(({ state }) => state)).toEqual(['open']);
  });
});

describe('R-DLV-06: dead letters', PATIENT, () => {
  it('are copies with bytes, key, headers and origin; repeats are none', async () => {
    const value = Buffer.from([0x7b, 0xff, 0x00]);
    const id = await consumed([
      { value, partition: 0, key: 'acme/dead/1', headers: { traceparent: 'dead' } },
    ]);
    const copies = await lastMessages(`${topic}.dead`, 1);
    const copy = copies.find(({ key }) => key === 'acme/dead/1');
    expect(copy?.value?.equals(value)).toBe(true);
    expect(copy?.headers).toMatchObject({
      traceparent: 'dead',
      'll-quarantine-reason': 'not_json',
      'll-quarantine-topic': topic,
      'll-quarantine-partition': '0',
      'll-quarantine-offset': id.split('@')[1],
    });
    expect(copies.some(({ headers }) => headers['ll-quarantine-reason'] === 'duplicate')).toBe(
      false,
    );
    const [kept] = await ask<{ n: string }>(
      "SELECT count() AS n FROM audit_quarantine WHERE reason != 'duplicate'",
    );
    expect(copies.length).toBeGreaterThanOrEqual(Number(kept?.n));
  });

  it('do not hold delivery up when their topic is not there', async () => {
    worker?.kill('SIGTERM');
    await worker?.exited;
    worker = await startWorker({ LEDGERLINE_DEAD_LETTER_TOPIC: `${topic}.none` });
    const id = randomUUID();
    await consumed([
      { value: 'rubbish', partition: 0 },
      { value: healthy({ event_id: id }), partition: 0 },
    ]);
    expect(await timesStored([id])).toEqual([1]);
    await worker.logged('were not copied to the dead-letter topic');
  });
});

interface Read {
  readonly key: string | undefined;
  readonly value: Buffer | null;
  readonly headers: Record<string, string>;
}

/** All messages of a topic, once there are so many at least. */
async function lastMessages(of: string, atLeast: number, partition?: number): Promise<Read[]> {
  const bounds = (await admin.fetchTopicOffsets(of)).filter(
    (one) => partition === undefined || one.partition === partition,
  );
  const wanted = bounds.reduce((sum, { high }) => sum + Number(high), 0);
  const consumer = client.consumer({ groupId: `read-${randomUUID()}`, maxWaitTimeInMs: 50 });
  const read: Read[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: of, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ partition: from, message }) => {
      if (partition !== undefined && from !== partition) return Promise.resolve();
      const headers = Object.entries(message.headers ?? {});
      read.push({
        key: message.key?.toString(),
        value: message.value,
        headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
      });
      return Promise.resolve();
    },
  });
  await until(
    `${of} is read`,
    () => Promise.resolve(read.length),
    (count) => count >= Math.max(wanted, atLeast),
    30_000,
  );
  await consumer.disconnect();
  return read;
}
