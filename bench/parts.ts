import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ClickHouse, migrate, openClickHouse } from '../clickhouse/index.ts';
import { createTopic } from '../consumers/index.ts';
import { PROJECT_ROOT } from '../local/project-root.ts';
import type { Stack } from '../local/stack.ts';
import { coordinatorReady, pacedProducer } from './parts/paced-producer.ts';
import { runProcess } from './pipeline/process.ts';
import { progress, rounded, wholeNumber, withStack } from './stack.ts';

const USAGE = `npm run bench -- parts [--seconds 60] [--partitions 4,64] [--backlog 400000] [--json]

How many parts a minute our worker makes ClickHouse write, at 10 and 1,000 events a second and from a
backlog at full rate, for topics of few and many partitions; and the same with LEDGERLINE_BATCH_AGE_MAX_MS
at its shortest, so that batches never gather longer when more partitions are busy.
`;

const CLI = join(PROJECT_ROOT, 'dist', 'cli', 'ledgerline.js');
const RATES = [10, 1_000] as const;
const WARM_UP_MS = 6_000;
const DRAIN_MS = 120_000;

interface Cell {
  readonly partitions: number;
  readonly rate: number | 'full';
  readonly ages: 'adaptive' | 'fixed';
  readonly insertsPerMinute: number;
  readonly partsPerMinute: number;
  readonly rowsPerInsert: number;
  /** From Kafka's timestamp to the ledger's. */
  readonly latencyP50Ms?: number;
  readonly latencyP99Ms?: number;
}

/** `npm run bench -- parts` */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '60' },
      partitions: { type: 'string', default: '4,64' },
      backlog: { type: 'string', default: '400000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const seconds = wholeNumber('seconds', values.seconds, 5);
  const backlog = wholeNumber('backlog', values.backlog, 1_000);
  const counts = values.partitions.split(',').map((count) => wholeNumber('partitions', count, 1));
  const cells = await withStack(async (stack) => {
    const all: Cell[] = [];
    for (const partitions of counts) {
      for (const ages of ['adaptive', 'fixed'] as const) {
        for (const rate of [...RATES, 'full'] as const) {
          const cell = await measure(stack, { partitions, ages, rate, seconds, backlog });
          progress(JSON.stringify(cell));
          all.push(cell);
        }
      }
    }
    return all;
  });
  if (values.json) process.stdout.write(`${JSON.stringify({ seconds, backlog, cells })}\n`);
  else console.table(cells);
}

interface Asked {
  readonly partitions: number;
  readonly rate: number | 'full';
  readonly ages: Cell['ages'];
  readonly seconds: number;
  readonly backlog: number;
}

let runs = 0;

async function measure(stack: Stack, asked: Asked): Promise<Cell> {
  const { partitions, rate, ages } = asked;
  const name = `parts_${++runs}`;
  const { brokers } = stack.kafka;
  const clickhouse = openClickHouse({ url: stack.engine.url, database: name });
  try {
    await migrate(clickhouse);
    await createTopic({ brokers, topic: name }, { partitions });
    await coordinatorReady(brokers, name);
    const producer = await pacedProducer(brokers, name);
    try {
      if (rate === 'full') await producer.send(asked.backlog);
      const worker = await runProcess([CLI, 'worker'], {
        LEDGERLINE_KAFKA_BROKERS: brokers.join(','),
        LEDGERLINE_KAFKA_TOPIC: name,
        LEDGERLINE_KAFKA_GROUP: name,
        LEDGERLINE_CLICKHOUSE_URL: stack.engine.url,
        LEDGERLINE_CLICKHOUSE_DATABASE: name,
        ...(ages === 'fixed' && { LEDGERLINE_BATCH_AGE_MAX_MS: '10' }),
      });
      try {
        const watching =
          rate === 'full'
            ? drain(clickhouse, asked.backlog)
            : watch(clickhouse, producer, rate, asked.seconds);
        const cell = await Promise.race([watching, worker.failed]);
        return { partitions, rate, ages, ...cell };
      } finally {
        await worker.stop();
      }
    } finally {
      await producer.close();
    }
  } finally {
    await clickhouse.command(`DROP DATABASE IF EXISTS ${name} SYNC`, { database: 'default' });
    await clickhouse.close();
  }
}

type Figures = Omit<Cell, 'partitions' | 'rate' | 'ages'>;

async function watch(
  clickhouse: ClickHouse,
  producer: Awaited<ReturnType<typeof pacedProducer>>,
  rate: number,
  seconds: number,
): Promise<Figures> {
  const sending = producer.pace(rate, WARM_UP_MS + seconds * 1_000);
  await delay(WARM_UP_MS);
  const before = await counts(clickhouse);
  await sending;
  const after = await counts(clickhouse);
  const [latency] = await clickhouse.query<{ p50: number; p99: number }>(
    `SELECT toUInt32(q[1]) AS p50, toUInt32(q[2]) AS p99 FROM (
       SELECT quantiles(0.5, 0.99)(date_diff('ms', kafka_timestamp, ingested_at)) AS q FROM audit_events)`,
  );
  return {
    ...perMinute(before, after),
    latencyP50Ms: latency?.p50 ?? 0,
    latencyP99Ms: latency?.p99 ?? 0,
  };
}

async function drain(clickhouse: ClickHouse, backlog: number): Promise<Figures> {
  const before = await counts(clickhouse);
  const deadline = performance.now() + DRAIN_MS;
  for (;;) {
    const now = await counts(clickhouse);
    if (now.rows - before.rows >= backlog) return perMinute(before, now);
    if (performance.now() > deadline) throw new Error('the backlog was not stored in time');
    await delay(100);
  }
}

interface Counts {
  readonly atMs: number;
  readonly inserts: number;
  readonly parts: number;
  readonly rows: number;
}

async function counts(clickhouse: ClickHouse): Promise<Counts> {
  const rows = await clickhouse.query<{ event: string; value: string }>(
    "SELECT event, value FROM system.events WHERE event IN ('InsertQuery', 'InsertedRows', 'InsertedCompactParts', 'InsertedWideParts')",
  );
  const of = (event: string): number => Number(rows.find((row) => row.event === event)?.value ?? 0);
  return {
    atMs: performance.now(),
    inserts: of('InsertQuery'),
    parts: of('InsertedCompactParts') + of('InsertedWideParts'),
    rows: of('InsertedRows'),
  };
}

function perMinute(before: Counts, after: Counts): Figures {
  const minutes = (after.atMs - before.atMs) / 60_000;
  const inserts = after.inserts - before.inserts;
  return {
    insertsPerMinute: rounded(inserts / minutes),
    partsPerMinute: rounded((after.parts - before.parts) / minutes),
    rowsPerInsert: rounded((after.rows - before.rows) / Math.max(1, inserts), 1),
  };
}
