/** Secrets are planted everywhere a service can put one, and then searched for everywhere. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import kafkajs from 'kafkajs';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, inject, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import {
  category,
  changesBetween,
  createLedger,
  defineCatalog,
  event,
  sensitive,
  type Receipt,
} from '../../../producers/index.ts';
import { ledgerMetrics } from '../../../producers/metrics.ts';
import { openScene } from '../../support/scene.ts';
import { until } from '../../support/until.ts';

/** What must not be found. Each planting has one of its own, so that a leak says where it is. */
const RUN = randomUUID().slice(0, 8);
const canary = (where: string): string => `canary-${where}-${RUN}`;
/** What must be found, so that the search is known to search. */
const VISIBLE = `visible-${RUN}`;
const PIN = 98_765_432_198_765;

const person = z.object({
  name: z.string(),
  iban: sensitive(z.string(), 'hash'),
  login: z.object({ answer: sensitive(z.string(), 'mask') }),
});

const catalog = defineCatalog(
  category('vault', {
    label: 'Vault',
    icon: 'vault',
    durability: 'disk',
    onFailure: 'spool',
    freeForm: true,
    events: {
      'vault.updated': event({
        operation: 'update',
        label: 'Vault updated',
        target: 'vault',
        record: person,
        data: z.strictObject({
          note: z.string(),
          masked: sensitive(z.string(), 'mask').optional(),
          hashed: sensitive(z.string(), 'hash').optional(),
          dropped: sensitive(z.number(), 'drop').optional(),
          list: z.array(z.strictObject({ code: sensitive(z.string(), 'mask') })).optional(),
          either: z.union([z.number(), sensitive(z.string(), 'mask')]).optional(),
          mode: z.enum(['one', 'two']).optional(),
          tokens: z.record(z.string(), z.number()).optional(),
          details: z.record(z.string(), z.unknown()).optional(),
        }),
      }),
      'vault.command.run': event({ operation: 'execute', label: 'Command run', target: 'vault' }),
    },
  }),
);

type Emit = (type: string, input: unknown) => Receipt;

/** Everything a service can say, with a secret in each place. Answers the receipts. */
async function plant(ledger: ReturnType<typeof openLedger>): Promise<Receipt[]> {
  const emit = ledger.emit.bind(ledger) as Emit;
  const target = { id: 'v_1' };
  const say = (input: object): Receipt =>
    emit('vault.updated', { target, data: { note: VISIBLE }, ...input });
  const data = (fields: object): Receipt => say({ data: { note: VISIBLE, ...fields } });
  const receipts = [
    data({
      masked: canary('masked'),
      hashed: canary('hashed'),
      dropped: PIN,
      list: [{ code: canary('list') }],
      either: canary('union'),
    }),
    data({
      details: {
        password: canary('free-form'),
        deep: [{ 'x-api-key': canary('deep') }],
        map: new Map([['clientSecret', canary('map')]]),
        json: { toJSON: () => ({ cookie: canary('to-json') }) },
        error: Object.assign(new Error('e'), { cause: { token: canary('cause') } }),
      },
    }),
    say({
      changes: [
        ...changesBetween(
          { name: 'a', iban: canary('iban-old'), login: { answer: canary('answer-old') } },
          { name: 'b', iban: canary('iban-new'), login: { answer: canary('answer-new') } },
        ),
        { op: 'add', path: '/login', new: { answer: canary('parent') } },
        { op: 'replace', path: '/iban/0', old: canary('deeper'), new: null },
        { op: 'add', path: '/session/refreshToken', new: canary('named-path') },
        { op: 'add', path: '/session', new: { secret: canary('named-value') } },
      ],
    }),
    say({
      data: { note: VISIBLE, masked: canary('repeated') },
      message: `told ${canary('repeated')}`,
      reason: `at postgres://app:${canary('url')}@db/x`,
      error: { code: 'E', message: `Authorization: Bearer ${canary('bearer')}` },
      attributes: {
        'http.request.header.cookie': canary('attribute'),
        'url.full': `https://x/?access_token=${canary('query')}`,
      },
      execution: {
        command: `psql --password ${canary('flag')}`,
        args: ['--token', canary('argument')],
        output: `API_KEY=${canary('output')} ${canary('repeated')}`,
        env: { DB_PASS: canary('env') },
      },
    }),
    emit('vault.note', { message: VISIBLE, data: { credentials: { a: canary('credentials') } } }),
    // What is wrong is rejected, and must not be quoted anywhere.
    data({ masked: [canary('wrong-type')] }),
    data({ dropped: canary('wrong-number') }),
    data({ mode: canary('wrong-word') }),
    data({ tokens: { [canary('wrong-key')]: canary('wrong-value') } }),
    data({ [canary('unknown-key')]: 1 }),
    data({
      details: Object.defineProperty({}, 'x', {
        enumerable: true,
        get: () => {
          throw new Error(canary('getter'));
        },
      }),
    }),
    emit(
      'vault.updated',
      Object.defineProperty({ target, data: { note: VISIBLE } }, 'reason', {
        enumerable: true,
        get: () => {
          throw new Error(canary('input-getter'));
        },
      }),
    ),
    say({ outcome: canary('outcome') }),
    emit(`vault ${canary('type')}`, {}),
  ];
  const fails = ledger.audited(
    'vault.updated',
    () => {
      throw new Error(`no answer from redis://:${canary('audited')}@cache`);
    },
    { target, data: { note: VISIBLE } },
  );
  expect(fails).toThrow('no answer');
  const script = `console.log('password=${canary('stdout')}'); console.error('${canary('known')}')`;
  const run = await ledger.execute(
    'vault.command.run',
    { target, message: VISIBLE },
    process.execPath,
    ['-e', script, '--password', canary('command')],
    { secrets: [canary('known')] },
  );
  return [...receipts, run.receipt];
}

function openLedger(
  kafka: readonly string[],
  topic: string,
  directory: string,
  log: { write(line: string): void },
  heard: unknown[],
) {
  return createLedger({
    service: 'canary',
    catalog,
    topic,
    actor: { type: 'user', id: 'u_1' },
    kafka: { brokers: kafka, connectionTimeoutMs: 500 },
    spool: { directory },
    level: 'all',
    redaction: { key: { id: 'k1', secret: canary('key') } },
    logger: pino({ serializers: { error: pino.stdSerializers.errWithCause } }, log),
    onError: (error) => void heard.push(error),
  });
}

const textOf = (value: unknown): string =>
  inspect(value, { depth: 20, showHidden: true, maxArrayLength: null, maxStringLength: null });

const filesIn = (directory: string): string =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');

async function messagesIn(brokers: string[], topic: string, count: number): Promise<string> {
  const consumer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).consumer({
    groupId: `canary-${RUN}`,
  });
  const texts: string[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        texts.push([message.key, textOf(message.headers), message.value].join(' '));
        return Promise.resolve();
      },
    });
    await until(
      'all messages are read',
      () => Promise.resolve(texts.length),
      (n) => n >= count,
    );
  } finally {
    await consumer.disconnect();
  }
  return texts.join('\n');
}

/** Which canaries a text holds. */
const found = (text: string): string[] => [
  ...new Set(text.match(new RegExp(`canary-[a-z-]+-${RUN}|${PIN}`, 'gu')) ?? []),
];

test('R-EDGE-09: no planted secret is in any file, log, metric, error, message or table', async () => {
  const brokers = inject('brokers');
  const directory = mkdtempSync(join(tmpdir(), 'canary-'));
  const scene = await openScene({ brokers, clickhouseUrl: inject('clickhouseUrl') });
  onTestFinished(async () => {
    await scene.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const lines: string[] = [];
  const log = { write: (line: string) => void lines.push(line) };
  const heard: unknown[] = [];

  // Kafka is away: what is accepted goes to files.
  const away = openLedger(['127.0.0.1:1'], scene.topic, directory, log, heard);
  const spooled = await plant(away);
  await away.close({ timeoutMs: 500 });
  const spool = filesIn(directory);

  // Kafka is back: the files are sent, and everything is said once more.
  const ledger = openLedger(brokers, scene.topic, directory, log, heard);
  const registry = new Registry();
  ledgerMetrics(ledger, { registry });
  const sent = await plant(ledger);
  const prepared = ledger.prepare('vault.updated', {
    target: { id: 'v_1' },
    data: { note: VISIBLE, masked: canary('prepared') },
  });
  const metrics = await registry.metrics();
  const { complete } = await ledger.close();
  const receipts = [...spooled, ...sent];
  const kept = receipts.filter(({ status }) => status === 'accepted' || status === 'spooled');
  expect({ complete, kept: kept.length }).toEqual({ complete: true, kept: 12 });

  const worker = scene.worker();
  const judgement = await scene.judgeWhenCommitted();
  const tables = ['audit_events', 'audit_quarantine'].map((table) =>
    scene.clickhouse.query(`SELECT * FROM ${table}`),
  );
  const rows = JSON.stringify(await Promise.all(tables));
  const kafka = await messagesIn(brokers, scene.topic, judgement.produced);

  const places = {
    spool,
    kafka,
    rows,
    metrics,
    log: lines.join('\n'),
    worker: worker.log(),
    receipts: textOf(receipts),
    errors: textOf(heard),
    stats: textOf(ledger.stats()),
    prepared: prepared.status === 'prepared' ? prepared.value.toString() : prepared.status,
  };
  expect(Object.entries(places).map(([place, text]) => [place, found(text)])).toEqual(
    Object.keys(places).map((place) => [place, []]),
  );
  for (const text of [spool, kafka, rows, places.prepared]) expect(text).toContain(VISIBLE);
  for (const text of [spool, kafka, rows]) {
    expect(text).toContain('hmac-sha256:k1:');
    expect(text).toContain('[masked]');
  }
  expect(places.errors).toContain('EVENT_DATA_INVALID');
  expect(rows).toContain('ledger.redacted');
});
