/**
 * R-DLV-06: Kafka cannot be reached as it is configured. Whatever is wrong, every command says in one line what it
 * is, where, and the way out, and exits 1: tried on a real broker with every kind of listener.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { migrate, openClickHouse } from '../../clickhouse/index.ts';
import { createTopic } from '../../consumers/index.ts';
import { freePort } from '../../local/free-port.ts';
import { type BrokerProxy, openBrokerProxy } from '../support/broker-proxy.ts';
import { newAuthority } from '../support/certificates.ts';
import { API, noCoordinator } from '../support/kafka-frames.ts';
import { type SecureKafka, startSecureKafka } from '../support/secure-kafka.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const CLI = fileURLToPath(new URL('../../dist/cli/ledgerline.js', import.meta.url));
const SECRET = 'hunter2-of-the-worker';
const EVENT = '{"type":"app.created","actor":{"type":"user","id":"u_7"},"target":{"id":"app_1"}}\n';
const DATABASE = 'contact';

type Variables = Readonly<Record<string, string>>;

let folder: string;
let broker: SecureKafka;
let plain: string;
let proxy: BrokerProxy;
/** Takes connections and says nothing. */
const silent = createServer();
/** Speaks another protocol, as ClickHouse's port does. */
const web = createHttpServer((_, response) => response.end('hello'));
let tls: Variables;
let otherAuthority: string;

const sasl = (mechanism: string, password = SECRET): Variables => ({
  LEDGERLINE_KAFKA_SASL_MECHANISM: mechanism,
  LEDGERLINE_KAFKA_SASL_USERNAME: 'worker',
  LEDGERLINE_KAFKA_SASL_PASSWORD: password,
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
let silentAt: string;
let webAt: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ledgerline-contact-'));
  const authority = newAuthority();
  const users = { worker: SECRET };
  broker = await startSecureKafka({
    dataDir: join(folder, 'kafka'),
    authority,
    users,
    superUsers: ['worker'],
  });
  plain = broker.kafka.brokers[0] ?? '';
  await createTopic({ brokers: [plain], topic: 'audit.events' }, { partitions: 1 });
  const clickhouse = openClickHouse({ url: inject('clickhouseUrl'), database: DATABASE });
  await migrate(clickhouse);
  await clickhouse.close();
  proxy = await openBrokerProxy(plain);
  proxy.always(API.findCoordinator, { instead: noCoordinator });
  [silentAt, webAt] = [await listening(silent), await listening(web)];
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  tls = {
    LEDGERLINE_KAFKA_TLS: 'true',
    LEDGERLINE_KAFKA_TLS_CA_FILE: file('ca.pem', authority.cert),
  };
  otherAuthority = file('other.pem', newAuthority().cert);
});

afterAll(async () => {
  await proxy?.close();
  silent.close();
  web.close();
  await broker?.kafka.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly command: string;
  readonly code: number | null;
  readonly output: string;
}

function run(args: readonly string[], env: Variables): Promise<Run> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: 'pipe',
    env: {
      PATH: process.env['PATH'],
      LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
      LEDGERLINE_CLICKHOUSE_DATABASE: DATABASE,
      ...env,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(EVENT);
  return new Promise((resolve) =>
    child.once('close', (code) => resolve({ command: args.join(' '), code, output })),
  );
}

const ALL = [['worker'], ['worker', '--check'], ['doctor', '--quiet'], ['emit'], ['verify']];

/** What the client's own words look like, which say nothing to whoever reads them. */
const RAW = /Unexpected|destructure|Connection error|routines|Closed connection|SASL state|KafkaJS/;

function judged({ command, code, output }: Run, says: RegExp): string {
  const told = says.test(output) && !RAW.test(output) && !output.includes(SECRET);
  // The doctor has a line for the way out, and others for what is well enough.
  const long = !command.startsWith('doctor') && output.trim().includes('\n');
  return told && !long ? `${command}: ${code}` : `${command}: ${code}\n${output}`;
}

const cases: readonly (readonly [string, () => Variables | Promise<Variables>, RegExp])[] = [
  [
    'a host that nobody knows',
    () => ({ LEDGERLINE_KAFKA_BROKERS: 'no-such-host.invalid:9092' }),
    /no-such-host\.invalid:9092 does not answer: (there is no host|its name cannot)/,
  ],
  [
    'a closed port',
    async () => ({ LEDGERLINE_KAFKA_BROKERS: `127.0.0.1:${await freePort()}` }),
    /nothing listens there \(ECONNREFUSED\)\.\s+(→ )?Start it/,
  ],
  [
    'a port that is silent',
    () => ({ LEDGERLINE_KAFKA_BROKERS: silentAt }),
    /does not answer.*LEDGERLINE_KAFKA_BROKERS/s,
  ],
  [
    'a port of something else',
    () => ({ LEDGERLINE_KAFKA_BROKERS: webAt }),
    /whether it is Kafka that listens there|without a word/,
  ],
  [
    'no TLS, where a listener wants it',
    () => ({ LEDGERLINE_KAFKA_BROKERS: broker.mutualTls }),
    /wants TLS or a login.*LEDGERLINE_KAFKA_TLS=true/s,
  ],
  [
    'a login without TLS, where a listener wants both',
    () => ({ LEDGERLINE_KAFKA_BROKERS: broker.saslTls, ...sasl('scram-sha-512') }),
    /wants TLS\..*LEDGERLINE_KAFKA_TLS=true/s,
  ],
  [
    'TLS, where the listener is plain',
    () => ({ LEDGERLINE_KAFKA_BROKERS: plain, ...tls }),
    /does not speak TLS on this port\..*LEDGERLINE_KAFKA_TLS=false/s,
  ],
  [
    'a login, where the listener is plain',
    () => ({ LEDGERLINE_KAFKA_BROKERS: plain, ...sasl('scram-sha-512') }),
    /takes no login on this port\..*leave LEDGERLINE_KAFKA_SASL_MECHANISM out/s,
  ],
  [
    'no login, where a listener wants one',
    () => ({ LEDGERLINE_KAFKA_BROKERS: broker.sasl }),
    /wants TLS or a login\..*LEDGERLINE_KAFKA_SASL_MECHANISM/s,
  ],
  [
    'TLS and no login, where a listener wants both',
    () => ({ LEDGERLINE_KAFKA_BROKERS: broker.saslTls, ...tls }),
    /wants a login\..*LEDGERLINE_KAFKA_SASL_MECHANISM/s,
  ],
  [
    'no certificate, where a listener wants one',
    () => ({ LEDGERLINE_KAFKA_BROKERS: broker.mutualTls, ...tls }),
    /our certificate, or wants one\..*LEDGERLINE_KAFKA_TLS_CERT_FILE/s,
  ],
  [
    'a wrong password',
    () => ({
      LEDGERLINE_KAFKA_BROKERS: broker.saslTls,
      ...tls,
      ...sasl('scram-sha-512', 'not-it-at-all'),
    }),
    /refused the user or password\..*LEDGERLINE_KAFKA_SASL_USERNAME/s,
  ],
  [
    'a login of another kind than the listener offers',
    () => ({ LEDGERLINE_KAFKA_BROKERS: broker.sasl, ...sasl('plain') }),
    /does not offer this kind of login\..*LEDGERLINE_KAFKA_SASL_MECHANISM/s,
  ],
  [
    'another authority than the one that signed',
    () => ({
      LEDGERLINE_KAFKA_BROKERS: broker.saslTls,
      ...tls,
      ...sasl('scram-sha-512'),
      LEDGERLINE_KAFKA_TLS_CA_FILE: otherAuthority,
    }),
    /a certificate that is not trusted\..*LEDGERLINE_KAFKA_TLS_CA_FILE/s,
  ],
];

describe('R-DLV-06: every command says what is wrong with the way to Kafka', () => {
  test.each(cases)('%s', async (_, env, says) => {
    const variables = await env();
    const runs = await Promise.all(ALL.map((args) => run(args, variables)));
    expect(runs.map((one) => judged(one, says))).toEqual(ALL.map((args) => `${args.join(' ')}: 1`));
  });

  test('a broker that has not started yet', async () => {
    broker.kafka.kill('SIGSTOP');
    const runs = await Promise.all(
      ALL.map((args) => run(args, { LEDGERLINE_KAFKA_BROKERS: plain })),
    );
    broker.kafka.kill('SIGCONT');
    const says = /does not answer.*LEDGERLINE_KAFKA_BROKERS/s;
    expect(runs.map((one) => judged(one, says))).toEqual(ALL.map((args) => `${args.join(' ')}: 1`));
  });

  test('a group without a coordinator: a worker waits for it, and whoever asks is told', async () => {
    const asking = [['worker', '--check'], ['doctor', '--quiet'], ['verify']];
    const runs = await Promise.all(
      asking.map((args) => run(args, { LEDGERLINE_KAFKA_BROKERS: proxy.address })),
    );
    const says = /no coordinator.*__consumer_offsets/s;
    expect(runs.map((one) => judged(one, says))).toEqual(
      asking.map((args) => `${args.join(' ')}: 1`),
    );
  });

  test('a dead-letter topic that is not there, before a message is missed', async () => {
    const asking = [
      ['worker', '--check'],
      ['doctor', '--quiet'],
    ];
    const env = { LEDGERLINE_KAFKA_BROKERS: plain, LEDGERLINE_DEAD_LETTER_TOPIC: 'no.such.topic' };
    const runs = await Promise.all(asking.map((args) => run(args, env)));
    const says = /has no topic no\.such\.topic for dead letters\..*LEDGERLINE_DEAD_LETTER_TOPIC/s;
    expect(runs.map((one) => judged(one, says))).toEqual(
      asking.map((args) => `${args.join(' ')}: 1`),
    );
  });
});
