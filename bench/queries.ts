import { parseArgs } from 'node:util';
import { type ClickHouse, migrate, openClickHouse } from '../clickhouse/index.ts';
import { startEngine } from '../local/engine.ts';
import { describeMachine } from './machine.ts';
import { type Coldness, makeCold } from './queries/cold.ts';
import { fill, lastDays } from './queries/fill.ts';
import {
  checkAnswer,
  type Read,
  readBy,
  timed,
  type Times,
  timesOf,
  warm,
} from './queries/measure.ts';
import { measureMeanwhile } from './queries/meanwhile.ts';
import { measurePostgres } from './queries/postgres.ts';
import { QUESTIONS } from './queries/questions.ts';
import { samplesOf } from './queries/samples.ts';
import { BLOCK_ROWS, PARTITIONS } from './table/source.ts';
import { median, progress, wholeNumber, withFolder } from './stack.ts';

const HELP = `npm run bench -- queries [--rows 1000000] [--rounds 5] [--cold 5] [--meanwhile]
                         [--postgres] [--postgres-rows 5000000] [--folder DIR] [--json]

Fills a migrated ledger with so many rows of the last 88 days, 50 tenants with Zipf's skew over tenants,
actors and targets, and asks it, through the library that applications use, what people ask. Each
answer is compared with plain SQL first. Rows are multiples of 200,000.

  --rounds N         each of 20 samples is asked so often warm, after once unmeasured
  --cold N           answers of each question with caches dropped before; 0: none
  --meanwhile        inserts and the newest 50 alone, and beside an export, an erasure and a sweep
  --postgres         the same questions of PostgreSQL: the usual audit table and indexes
  --postgres-rows N  rows in it
  --folder DIR       fill the ledger there and keep it; one that has so many rows is asked as it is
  --only NAME        one question, by its figure's name; may be repeated
`;

const SAMPLES = 20;
const TURN_ROWS = BLOCK_ROWS * PARTITIONS;

interface Asked {
  readonly warm: Times;
  readonly cold?: Times;
  /** The median of five samples. */
  readonly read: Read;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '5' },
      cold: { type: 'string', default: '5' },
      only: { type: 'string', multiple: true },
      meanwhile: { type: 'boolean', default: false },
      postgres: { type: 'boolean', default: false },
      'postgres-rows': { type: 'string', default: '5000000' },
      folder: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const rows = wholeBlocks('rows', values.rows);
  const rounds = wholeNumber('rounds', values.rounds, 1);
  const coldAnswers = wholeNumber('cold', values.cold, 0);
  const postgresRows = wholeBlocks('postgres-rows', values['postgres-rows']);
  const questions = QUESTIONS.filter(({ figure }) => values.only?.includes(figure) ?? true);
  if (questions.length === 0) {
    throw new RangeError(`--only: ${QUESTIONS.map(({ figure }) => figure).join(', ')}`);
  }
  await withFolder(async (dataDir) => {
    const engine = await startEngine({ dataDir });
    const clickhouse = openClickHouse({
      url: engine.url,
      database: 'ledgerline',
      requestTimeoutMs: 300_000,
    });
    try {
      await migrate(clickhouse);
      const span = lastDays();
      const began = performance.now();
      if ((await rowsOf(clickhouse)) !== rows) await fill(clickhouse, rows, span);
      const fillSeconds = Math.round((performance.now() - began) / 1000);
      const samples = await samplesOf(clickhouse, SAMPLES);
      progress('comparing answers with plain SQL …');
      for (const question of questions) {
        for (const sample of samples.slice(0, 5)) await checkAnswer(clickhouse, question, sample);
      }
      const asked: Record<string, Asked> = {};
      let coldness: Coldness | undefined;
      for (const question of questions) {
        progress(question.name);
        const reads: Read[] = [];
        for (const sample of samples.slice(0, 5)) {
          reads.push(await readBy(clickhouse, question, sample));
        }
        const warmTimes = await warm(clickhouse, question, samples, rounds);
        const cold: number[] = [];
        for (const sample of samples.slice(0, coldAnswers)) {
          coldness = await makeCold(clickhouse, dataDir);
          cold.push(await timed(() => question.ledger(clickhouse, sample)));
        }
        asked[question.figure] = {
          warm: warmTimes,
          ...(cold.length > 0 && { cold: timesOf(cold) }),
          read: {
            statements: median(reads.map(({ statements }) => statements)),
            rows: median(reads.map((read) => read.rows)),
            bytes: median(reads.map(({ bytes }) => bytes)),
          },
        };
      }
      const storage = await storageOf(clickhouse);
      const postgres = values.postgres
        ? await measurePostgres(clickhouse, postgresRows, span, rounds)
        : undefined;
      const meanwhile = values.meanwhile
        ? await measureMeanwhile(clickhouse, samples, rows, span)
        : undefined;
      const figures = {
        bench: 'queries',
        rows,
        newest50P95Ms: asked['newest50']?.warm.p95Ms,
        historyP95Ms: asked['history']?.warm.p95Ms,
        byIdP95Ms: asked['byId']?.warm.p95Ms,
        fillSeconds,
        ...storage,
        questions: asked,
        coldness,
        postgres,
        meanwhile,
        machine: await describeMachine(clickhouse),
      };
      process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : told(figures));
    } finally {
      await clickhouse.close();
      await engine.stop();
    }
  }, values.folder);
}

async function rowsOf(clickhouse: ClickHouse): Promise<number> {
  const [found] = await clickhouse.query<{ n: string }>('SELECT count() AS n FROM audit_events');
  return Number(found?.n);
}

/** The rows' maker fills four Kafka partitions in turn, block by block: only whole turns cover the time evenly. */
function wholeBlocks(option: string, value: string): number {
  const rows = wholeNumber(option, value, TURN_ROWS);
  if (rows % TURN_ROWS === 0) return rows;
  throw new RangeError(`--${option}: a multiple of ${TURN_ROWS}`);
}

async function storageOf(
  clickhouse: ClickHouse,
): Promise<{ readonly parts: number; readonly bytesPerEvent: number }> {
  const [parts] = await clickhouse.query<{ parts: string; bytes: number }>(
    `SELECT count() AS parts, round(sum(bytes_on_disk) / sum(rows), 1) AS bytes FROM system.parts
     WHERE database = currentDatabase() AND table = 'audit_events' AND active`,
  );
  return { parts: Number(parts?.parts), bytesPerEvent: Number(parts?.bytes) };
}

function told({
  rows,
  questions,
  postgres,
  meanwhile,
  bytesPerEvent,
}: {
  readonly rows: number;
  readonly bytesPerEvent: number;
  readonly questions: Readonly<Record<string, Asked>>;
  readonly postgres: Awaited<ReturnType<typeof measurePostgres>> | undefined;
  readonly meanwhile: Awaited<ReturnType<typeof measureMeanwhile>> | undefined;
}): string {
  const ms = (times: Times | undefined): string =>
    times ? `${times.p50Ms} / ${times.p95Ms}` : '–';
  const lines = QUESTIONS.filter(({ figure }) => questions[figure] !== undefined).map(
    ({ name, figure }) => {
      const { warm: warmTimes, cold, read } = questions[figure] ?? {};
      const other = postgres ? ` · PostgreSQL ${ms(postgres.questions[figure])}` : '';
      return `${name.padEnd(32)} warm ${ms(warmTimes)} · cold ${ms(cold)} · read ${read?.rows} rows, ${read?.bytes} bytes${other}`;
    },
  );
  const beside = Object.entries(meanwhile ?? {}).map(
    ([job, { insert, newest50 }]) =>
      `${job.padEnd(32)} insert ${ms(insert)} · newest 50 ${ms(newest50)}`,
  );
  const sizes = `${rows} rows of ${bytesPerEvent} bytes; ms p50 / p95${postgres ? `; PostgreSQL ${postgres.rows} rows of ${postgres.bytesPerEvent} bytes` : ''}`;
  return `${[sizes, ...lines, ...beside].join('\n')}\n`;
}
