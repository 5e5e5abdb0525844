import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { migrate, openClickHouse, type ClickHouse } from '../clickhouse/index.ts';
import { createTopic } from '../consumers/index.ts';
import { spawnChild } from '../local/child.ts';
import { startEngine } from '../local/engine.ts';
import { startKafka } from '../local/kafka.ts';
import { PROJECT_ROOT } from '../local/project-root.ts';
import type { Sample } from './outage/service.ts';
import { ledgerline } from './pipeline/ledgerline.ts';
import { progress, rounded, wholeNumber } from './stack.ts';

const TOPIC = 'bench.outage';
const SERVICE = join(PROJECT_ROOT, 'dist', 'bench', 'outage', 'service.js');
const WARM_UP_MS = 3_000;
const AFTERWARDS_MS = 3_000;
const DRAIN_MS = 900_000;

const USAGE = `npm run bench -- outage [--seconds 300] [--rate 2000] [--json]

Kafka is killed and stays away, while a service goes on auditing (half of its events in a category
with durability disk, a quarter each in memory that spools and memory that drops). In the middle the
service is killed and started again. When Kafka is back and everything is sent, the real worker
stores it, and what was promised is looked for in the real ledger: once, each.
`;

interface Moment extends Sample {
  readonly second: number;
  readonly phase: string;
}

interface Judgement {
  readonly promised: number;
  readonly missing: number;
  readonly doubled: number;
  readonly stored: number;
}

interface OutageReport extends Judgement {
  readonly seconds: number;
  readonly rate: number;
  readonly peakRssMb: number;
  readonly peakSpoolMb: number;
  readonly drainSeconds: number;
  /** About twenty moments of the whole. */
  readonly table: readonly Moment[];
}

interface Service {
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** `npm run bench -- outage` */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '300' },
      rate: { type: 'string', default: '2000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const seconds = wholeNumber('seconds', values.seconds, 4);
  const rate = wholeNumber('rate', values.rate, 10);
  const report = await measure(seconds, rate);
  if (values.json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } else {
    const { table, ...figures } = report;
    process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
    console.table(table);
  }
  if (report.missing + report.doubled > 0) process.exitCode = 1;
}

async function measure(seconds: number, rate: number): Promise<OutageReport> {
  const folder = mkdtempSync(join(tmpdir(), 'ledgerline-outage-'));
  const kafkaDir = join(folder, 'kafka');
  let kafka = await startKafka({ dataDir: kafkaDir, compiler: 'optimizing' });
  const engine = await startEngine({ dataDir: join(folder, 'clickhouse') });
  try {
    const { port, brokers } = kafka;
    await createTopic({ brokers, topic: TOPIC }, { partitions: 4 });
    const startMs = performance.now();
    const moments: Moment[] = [];
    let phase = 'Kafka is there';
    const service = (): Promise<Service> =>
      startService({ folder, brokers, rate }, (sample) => {
        moments.push({
          second: Math.round((performance.now() - startMs) / 1000),
          phase,
          ...sample,
        });
      });

    let running = await service();
    await delay(WARM_UP_MS);
    phase = 'Kafka is away';
    progress(`Kafka is away for ${seconds} s …`);
    kafka.kill('SIGKILL');
    await kafka.exited;
    await delay(seconds * 500);
    progress('the service is killed, and starts again …');
    await running.kill('SIGKILL');
    phase = 'away, after a SIGKILL';
    running = await service();
    await delay(seconds * 500);
    progress('Kafka is back …');
    kafka = await startKafka({ dataDir: kafkaDir, port, compiler: 'optimizing' });
    phase = 'Kafka is back';
    await delay(AFTERWARDS_MS);
    phase = 'closing';
    const closingMs = performance.now();
    await running.kill('SIGTERM');
    const drainSeconds = rounded((performance.now() - closingMs) / 1000, 1);

    progress('the worker stores what came …');
    const promises = readFileSync(join(folder, 'promises'));
    const judgement = await store(brokers, engine.url, promises);
    const peak = (of: (moment: Moment) => number): number => Math.max(...moments.map(of));
    const every = Math.max(1, Math.ceil(moments.length / 20));
    return {
      seconds,
      rate,
      ...judgement,
      peakRssMb: peak(({ rssMb }) => rssMb),
      peakSpoolMb: peak(({ spoolMb }) => spoolMb),
      drainSeconds,
      table: moments.filter((_, index) => index % every === 0 || index === moments.length - 1),
    };
  } finally {
    await engine.stop();
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The real worker takes the topic into the real ledger, and the promises are looked for in it. */
async function store(
  brokers: readonly string[],
  clickhouseUrl: string,
  promises: Buffer,
): Promise<Judgement> {
  const clickhouse = openClickHouse({ url: clickhouseUrl, database: 'bench_outage' });
  await migrate(clickhouse);
  const { database } = clickhouse;
  const place = {
    brokers,
    topic: TOPIC,
    group: 'bench-outage',
    clickhouseUrl,
    clickhouse,
    database,
  };
  const worker = await ledgerline.start(place);
  try {
    return await Promise.race([judge(clickhouse, promises), worker.failed]);
  } finally {
    await worker.stop();
    await clickhouse.close();
  }
}

async function startService(
  { folder, brokers, rate }: { folder: string; brokers: readonly string[]; rate: number },
  onSample: (sample: Sample) => void,
): Promise<Service> {
  const child = await spawnChild({
    command: process.execPath,
    args: [SERVICE],
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      BROKERS: brokers[0],
      TOPIC,
      DIRECTORY: join(folder, 'spool'),
      PROMISES: join(folder, 'promises'),
      RATE: String(rate),
    },
  });
  const { stdout } = child.process;
  if (stdout === null) throw new Error('the service has no stdout');
  createInterface({ input: stdout }).on('line', (line) => onSample(JSON.parse(line) as Sample));
  return {
    kill: async (signal) => {
      const exited = once(child.process, 'exit');
      child.process.kill(signal);
      await exited;
    },
  };
}

/** Asks the ledger until it has every promise, or has stood still for some seconds. */
async function judge(clickhouse: ClickHouse, promises: Buffer): Promise<Judgement> {
  await clickhouse.command('CREATE TABLE promised (id UUID) ENGINE = MergeTree ORDER BY id');
  await clickhouse.insert({
    table: 'promised',
    columns: ['id'],
    format: 'TSV',
    body: [promises],
  });
  const one = async (sql: string): Promise<number> => {
    const [row] = await clickhouse.query<{ n: number }>(
      `SELECT toUInt32(count()) AS n FROM ${sql}`,
    );
    return row?.n ?? 0;
  };
  const deadlineMs = performance.now() + DRAIN_MS;
  let stored = -1;
  let still = 0;
  while (still < 8 && performance.now() < deadlineMs) {
    const now = await one('audit_events');
    still = now === stored && now > 0 ? still + 1 : 0;
    stored = now;
    await delay(500);
  }
  return {
    promised: await one('promised'),
    missing: await one('promised WHERE id NOT IN (SELECT event_id FROM audit_events)'),
    doubled: await one('(SELECT event_id FROM audit_events GROUP BY event_id HAVING count() > 1)'),
    stored,
  };
}
