import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { migrate, openClickHouse } from '../../clickhouse/index.ts';
import { createTopic, workerConfig } from '../../consumers/index.ts';
import { describeTopic } from '../../consumers/topic.ts';
import { type Engine, startEngine } from '../../local/engine.ts';
import { createLedger, optionsFromEnv } from '../../producers/index.ts';
import { builtInCatalog } from '../../cli/emit/built-in-catalog.ts';
import { newAuthority } from '../support/certificates.ts';
import { type SecureKafka, startSecureKafka } from '../support/secure-kafka.ts';
import { openTlsFront, type TlsFront } from '../support/tls-front.ts';
import { until } from '../support/until.ts';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const CLI = fileURLToPath(new URL('../../dist/cli/ledgerline.js', import.meta.url));
const SECRET = 'hunter2-of-the-worker';
const ENGINE_SECRET = 'swordfish-of-the-engine';
const WRONG = 'not-the-password-at-all';
const TOPIC = 'audit.secured';
const EVENT = '{"type":"app.created","actor":{"type":"user","id":"u_7"},"target":{"id":"app_1"}}\n';

let folder: string;
let broker: SecureKafka;
let engine: Engine;
let front: TlsFront;
const workers: WorkerProcess[] = [];

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

type Variables = Record<string, string>;

/** SCRAM over TLS, ClickHouse over TLS; passwords from files, as mounted secrets are. */
let secured: Variables;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ledgerline-secure-'));
  const authority = newAuthority();
  const started = await Promise.all([
    startSecureKafka({
      dataDir: join(folder, 'kafka'),
      authority,
      users: { worker: SECRET, stranger: SECRET },
      superUsers: ['worker'],
    }),
    startEngine({ dataDir: join(folder, 'engine'), password: ENGINE_SECRET }),
  ]);
  [broker, engine] = started;
  front = await openTlsFront(engine.port, authority.issue('clickhouse'));
  const client = authority.issue('worker');
  secured = {
    PATH: process.env['PATH'] ?? '',
    LEDGERLINE_KAFKA_BROKERS: broker.saslTls,
    LEDGERLINE_KAFKA_TOPIC: TOPIC,
    LEDGERLINE_KAFKA_TLS: 'true',
    LEDGERLINE_KAFKA_TLS_CA_FILE: file('ca.pem', authority.cert),
    LEDGERLINE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    LEDGERLINE_KAFKA_SASL_USERNAME: 'worker',
    LEDGERLINE_KAFKA_SASL_PASSWORD_FILE: file('kafka-password', `${SECRET}\n`),
    LEDGERLINE_CLICKHOUSE_URL: front.url,
    LEDGERLINE_CLICKHOUSE_DATABASE: 'secured',
    LEDGERLINE_CLICKHOUSE_PASSWORD_FILE: file('engine-password', `${ENGINE_SECRET}\n`),
    LEDGERLINE_CLICKHOUSE_TLS_CA_FILE: file('ca2.pem', authority.cert),
    LEDGERLINE_SESSION_TIMEOUT_MS: '6000',
    LEDGERLINE_BATCH_AGE_MS: '100',
  };
  file('client.pem', client.cert);
  file('client-key.pem', client.key);
  await createTopic({ brokers: broker.kafka.brokers, topic: TOPIC }, { partitions: 1 });
  // A broker that never had a group takes longer to find its coordinator than a worker waits.
  await describeTopic(
    {
      brokers: broker.kafka.brokers,
      topic: TOPIC,
      group: 'ledgerline',
      clientId: 'test',
      connectionTimeoutMs: 10_000,
      requestTimeoutMs: 10_000,
    },
    60_000,
  );
  const clickhouse = openClickHouse(workerConfig(secured).clickhouse);
  await migrate(clickhouse);
  await clickhouse.close();
});

afterAll(async () => {
  for (const worker of workers) {
    worker.kill('SIGKILL');
    await worker.exited;
  }
  await front?.close();
  await Promise.all([engine?.stop(), broker?.kafka.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
}

function run(args: readonly string[], env: Variables, input = ''): Promise<Run> {
  const began = Date.now();
  const child = spawn(process.execPath, [CLI, ...args], { env, stdio: 'pipe' });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve) =>
    child.once('close', (code) => resolve({ code, output, seconds: (Date.now() - began) / 1000 })),
  );
}

const without = (variables: Variables, ...names: string[]): Variables =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !names.includes(name)));

const withMechanism = (mechanism: string): Variables => ({
  ...secured,
  LEDGERLINE_KAFKA_SASL_MECHANISM: mechanism,
});

const wrongPassword = (): Variables => ({
  ...without(secured, 'LEDGERLINE_KAFKA_SASL_PASSWORD_FILE'),
  LEDGERLINE_KAFKA_SASL_PASSWORD: WRONG,
});

/** What a refusal has to look like: one line with the way out, soon, and no secret. */
const inOneLine = ({ code, output }: Run, ...says: string[]): unknown => ({
  code,
  lines: output.split('\n').filter((line) => line !== '').length,
  unsaid: says.filter((text) => !output.includes(text)),
  secrets: [SECRET, ENGINE_SECRET, WRONG].filter((secret) => output.includes(secret)),
  // Shown when it is not what it has to be.
  ...(says.every((text) => output.includes(text)) ? {} : { output }),
});
const REFUSED = { code: 1, lines: 1, unsaid: [], secrets: [] };

/** Whoever comes in through the plain listener may do everything. */
async function asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
  const brokers = [...broker.kafka.brokers];
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Up to where the topic is written. */
const end = (): Promise<number> =>
  asAdmin(async (admin) => Number((await admin.fetchTopicOffsets(TOPIC))[0]?.high));

const mayWrite = (user: string) => ({
  resourceType: kafkajs.AclResourceTypes.TOPIC,
  resourceName: TOPIC,
  resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
  principal: `User:${user}`,
  host: '*',
  operation: kafkajs.AclOperationTypes.WRITE,
  permissionType: kafkajs.AclPermissionTypes.ALLOW,
});
const allow = (user: string): Promise<boolean> =>
  asAdmin((admin) => admin.createAcls({ acl: [mayWrite(user)] }));
const forbid = (user: string): Promise<unknown> =>
  asAdmin((admin) => admin.deleteAcls({ filters: [mayWrite(user)] }));

describe('R-DLV-06: Kafka with SASL and TLS, ClickHouse with TLS and a password', () => {
  test('the whole way: services and the CLI write, a worker stores, verify proves it', async () => {
    const worker = spawnWorker({
      brokers: [broker.saslTls],
      clickhouseUrl: front.url,
      database: 'secured',
      topic: TOPIC,
      group: 'ledgerline',
      env: secured,
    });
    workers.push(worker);
    await worker.logged('joined the group', 60_000);

    const plain = await run(['emit'], withMechanism('plain'), EVENT);
    expect(plain).toMatchObject({ code: 0, output: '1 event recorded\n' });
    const scram = await run(['emit'], withMechanism('scram-sha-256'), EVENT);
    expect(scram.code).toBe(0);

    const ledger = createLedger({
      service: 'panel',
      catalog: builtInCatalog,
      ...optionsFromEnv(without(secured, 'PATH')),
      reportIntervalMs: false,
    });
    await ledger.record('app.created', {
      actor: { type: 'user', id: 'u_7' },
      target: { id: 'app_2' },
    });
    await ledger.close();

    const clickhouse = openClickHouse(workerConfig(secured).clickhouse);
    await until(
      'all three are stored',
      () => clickhouse.query<{ n: string }>('SELECT count() AS n FROM audit_events'),
      ([row]) => Number(row?.n) >= 3,
    );
    await clickhouse.close();
    const verified = await run(['verify', '--json'], secured);
    expect(verified.output).toContain('"sound":true');
    expect(verified.code).toBe(0);
    for (const secret of [SECRET, ENGINE_SECRET]) expect(worker.log()).not.toContain(secret);
  });

  test('SCRAM without TLS, and TLS with a certificate instead of a password', async () => {
    const bare = without(secured, 'LEDGERLINE_KAFKA_TLS', 'LEDGERLINE_KAFKA_TLS_CA_FILE');
    const scram = await run(['worker', '--check', '--json'], {
      ...bare,
      LEDGERLINE_KAFKA_BROKERS: broker.sasl,
    });
    expect(scram.output).toContain('"ok":true');
    expect(scram.code).toBe(0);
    const noSasl = without(
      secured,
      'LEDGERLINE_KAFKA_SASL_MECHANISM',
      'LEDGERLINE_KAFKA_SASL_USERNAME',
      'LEDGERLINE_KAFKA_SASL_PASSWORD_FILE',
    );
    const mutual = await run(['worker', '--check'], {
      ...noSasl,
      LEDGERLINE_KAFKA_BROKERS: broker.mutualTls,
      LEDGERLINE_KAFKA_TLS_CERT_FILE: join(folder, 'client.pem'),
      LEDGERLINE_KAFKA_TLS_KEY_FILE: join(folder, 'client-key.pem'),
    });
    expect(mutual.output).toContain('a worker could start');
    expect(mutual.code).toBe(0);
  });
});

describe('R-DLV-06: who may not come in', () => {
  test('a wrong password ends a worker, emit, verify and --check with one clear line', async () => {
    const before = refusals();
    const says = ['refused the user or password', 'LEDGERLINE_KAFKA_SASL_USERNAME'];
    const asked = [['worker'], ['verify'], ['worker', '--check']];
    const answers = await Promise.all(asked.map((args) => run(args, wrongPassword())));
    for (const answer of answers) expect(inOneLine(answer, ...says)).toEqual(REFUSED);
    const emit = await run(['emit'], wrongPassword(), EVENT);
    expect(emit.code).toBe(1);
    expect(emit.output).toContain('refused');
    expect(emit.output).not.toContain(WRONG);
    // No storm: a few connections each, not a loop.
    expect(refusals() - before).toBeLessThanOrEqual(12);
  });

  test('a user without rights is told which to grant', async () => {
    const stranger = { ...secured, LEDGERLINE_KAFKA_SASL_USERNAME: 'stranger' };
    const { code, output } = await run(['worker', '--check'], stranger);
    expect(code).toBe(1);
    expect(output).toMatch(/no topic audit\.secured|AUTHORIZATION_FAILED/);
  });

  test('R-EDGE-08: a service that may not write goes on; its events wait, and come once each when it may', async () => {
    const lines: string[] = [];
    const say = (fields: object, message: string): void => {
      const { error } = fields as { error?: { message: string; hint?: string } };
      lines.push([message, error?.message, error?.hint].join(' '));
    };
    const ledger = createLedger({
      ...optionsFromEnv({ ...secured, LEDGERLINE_KAFKA_SASL_USERNAME: 'stranger' }),
      service: 'stranger',
      catalog: builtInCatalog,
      actor: { type: 'user', id: 'u' },
      buffer: { maxEvents: 10 },
      spool: { directory: join(folder, 'spool') },
      logger: { info: say, warn: say, error: say },
    });
    const before = await end();
    const said = { spooled: 0, accepted: 0, rejected: 0, filtered: 0 };
    const say100 = (): void => {
      for (let n = 0; n < 50; n += 1) {
        const data = { method: 'password' };
        said[ledger.emit('security.sign_in.attempted', { data }).status] += 1;
        said[ledger.emit('app.created', { target: { id: `app_${n}` } }).status] += 1;
      }
    };
    try {
      say100();
      await expect(
        ledger.record(
          'security.sign_in.attempted',
          { data: { method: 'password' } },
          {
            timeoutMs: 2_000,
          },
        ),
      ).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', retryable: true });
      expect(await end()).toBe(before);

      await allow('stranger');
      expect(await ledger.flush({ timeoutMs: 60_000 })).toEqual({ complete: true, left: 0 });
      await forbid('stranger');
      say100();
      await until(
        'a send is refused again',
        () => Promise.resolve(lines.filter((line) => line.includes('cannot be sent')).length),
        (times) => times === 2,
      );
      await allow('stranger');
      expect(await ledger.close({ timeoutMs: 60_000 })).toEqual({ complete: true, left: 0 });
    } finally {
      await forbid('stranger');
      await ledger.close({ timeoutMs: 1 });
    }
    const { accepted, stored, pending, lost, rejected, byCategory } = ledger.stats();
    expect({ stored, pending, lost }).toMatchObject({
      stored: accepted,
      pending: 0,
      lost: { refused: 0 },
    });
    expect(byCategory['security']?.stored).toBe(101);
    expect(rejected.queue_full).toBe(said.rejected);
    expect((await end()) - before).toBe(stored);
    const refusedLines = lines.filter((line) => line.includes('cannot be sent'));
    expect(refusedLines).toHaveLength(2);
    for (const line of refusedLines) {
      expect(line).toContain('AUTHORIZATION_FAILED');
      expect(line).toContain('kafka-acls.sh --add --producer');
    }
    expect(lines.filter((line) => line.startsWith('events are sent again'))).toHaveLength(2);
    expect(lines.join()).not.toContain(SECRET);
  });

  test('a certificate of an unknown authority, and a port that speaks no TLS, are named', async () => {
    const unknown = without(secured, 'LEDGERLINE_KAFKA_TLS_CA_FILE');
    expect(inOneLine(await run(['worker'], unknown), 'LEDGERLINE_KAFKA_TLS_CA_FILE')).toEqual(
      REFUSED,
    );
    const plain = { ...secured, LEDGERLINE_KAFKA_BROKERS: broker.sasl };
    expect(inOneLine(await run(['worker'], plain), 'LEDGERLINE_KAFKA_BROKERS')).toEqual(REFUSED);
  });

  test('ClickHouse refuses a wrong password, and an unknown authority, in one line each', async () => {
    const wrong = {
      ...without(secured, 'LEDGERLINE_CLICKHOUSE_PASSWORD_FILE'),
      LEDGERLINE_CLICKHOUSE_PASSWORD: WRONG,
    };
    expect(inOneLine(await run(['worker'], wrong), 'LEDGERLINE_CLICKHOUSE_PASSWORD')).toEqual(
      REFUSED,
    );
    const unknown = without(secured, 'LEDGERLINE_CLICKHOUSE_TLS_CA_FILE');
    expect(inOneLine(await run(['worker'], unknown), 'LEDGERLINE_CLICKHOUSE_TLS_CA_FILE')).toEqual(
      REFUSED,
    );
  });
});

/** How many logins the broker has refused so far, by its own log. */
const refusals = (): number =>
  readFileSync(join(folder, 'kafka', 'kafka.log'), 'utf8').split('Failed authentication').length -
  1;
