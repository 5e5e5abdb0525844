import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../local/free-port.ts';
import { startKafka } from '../local/kafka.ts';
import { LEVELS } from '../schemas/index.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { progress, rounded, wholeNumber, withFolder } from './stack.ts';
import { figuresOf, type Round, type UsersFigures } from './users/figures.ts';
import { openHungKafka } from './users/hung-kafka.ts';
import { type Life, type Load, runVariant, type Setting } from './users/run-variant.ts';
import { fillToolTable } from './users/tools-in-postgres.ts';
import { orderOf, VARIANTS, type Variant } from './users/variants.ts';

/** The first of a visit come all at once, and who asks at a pace makes up for what they waited. */
const SETTLE_SECONDS = 2;
/** Of a process, beside its connections. */
const OTHER_FILES = 200;

const USAGE = `npm run bench -- users [--connections 2000] [--seconds 3] [--rounds 8] [--warm-up 6]
                       [--pace 1] [--store memory] [--level writes_only] [--json]

A Fastify service in a process of its own for each variant, and autocannon in another: so many users, a
connection each, who ask --pace times a second; with --pace 0 as soon as they are answered, which is as
much as the service can take, so that throughput is the reciprocal of CPU. What the service keeps it has in
memory, which makes its requests as cheap as can be, or with --store postgres in a PostgreSQL on the same
machine (from apt), which it asks once or twice a request. Of the requests 85 % read,
10 % write, 5 % fail or are denied; each is an event, and the policy's level says which are kept.

  off, offAgain   no ledger in the service; twice, since the machine is never the same twice
  on              the middleware, and one emit for each request
  sync            the same with AUDIT_TRAIL_ASYNC=false: responses wait for what was said
  kafkaStopped    nothing listens where Kafka should be
  kafkaHung       something accepts connections there, and never answers
  unlogged        off without its request log: what that costs, for comparison

In each round each of them begins anew, one after another: two services that are the same differ by a
quarter for all their lives, by how Node compiled them and laid their memory out. Users come first for
--warm-up seconds, as fast as they are answered, since what keeps an event is compiled only when some
thousands have been kept; then for --seconds, which count. Ratios are of one round, to its two services
without a ledger, and medians over the rounds: they bear a machine that is fast and slow by turns.

It counts once every action that a service counted is found: in the topic, which is read back, or in
ledger.stats() under the cause for which it is not there. What the close leaves on disk is sent by the
next start first.
`;

/** `npm run bench -- users` */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      connections: { type: 'string', default: '2000' },
      seconds: { type: 'string', default: '3' },
      'warm-up': { type: 'string', default: '6' },
      rounds: { type: 'string', default: '8' },
      pace: { type: 'string', default: '1' },
      store: { type: 'string', default: 'memory' },
      level: { type: 'string', default: 'writes_only' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const connections = wholeNumber('connections', values.connections, 1);
  const seconds = wholeNumber('seconds', values.seconds, 1);
  const warmUpSeconds = wholeNumber('warm-up', values['warm-up'], 1);
  const rounds = wholeNumber('rounds', values.rounds, 1);
  const pace = values.pace === '0' ? 0 : wholeNumber('pace', values.pace, 1);
  const { level, store } = values;
  if (!LEVELS.some((known) => known === level)) {
    throw new RangeError(`--level: one of ${LEVELS.join(', ')}`);
  }
  if (store !== 'memory' && store !== 'postgres') {
    throw new RangeError('--store: one of memory, postgres');
  }
  checkOpenFiles(connections);
  const figures = await measure({ connections, level }, store, {
    warmUp: { seconds: warmUpSeconds, pace: 0 },
    visit: { seconds, pace },
    rounds,
  });
  const report = { connections, seconds, warmUpSeconds, rounds, pace, store, level, ...figures };
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else print(report);
  if (report.errors > 0) process.exitCode = 1;
}

interface Plan {
  readonly warmUp: Pick<Load, 'seconds' | 'pace'>;
  readonly visit: Pick<Load, 'seconds' | 'pace'>;
  readonly rounds: number;
}

function measure(
  service: Pick<Setting, 'connections' | 'level'>,
  store: 'memory' | 'postgres',
  { warmUp, visit, rounds }: Plan,
): Promise<UsersFigures> {
  const measureWith = (databaseUrl?: string): Promise<UsersFigures> =>
    withFolder(async (folder) => {
      progress('starting Kafka …');
      const kafka = await startKafka({ dataDir: join(folder, 'kafka'), compiler: 'optimizing' });
      const hung = await openHungKafka();
      try {
        const there = kafka.brokers[0] ?? '';
        const stopped = `127.0.0.1:${await freePort()}`;
        const setting = {
          ...service,
          databaseUrl,
          folder,
          brokers: { there, stopped, hung: hung.address },
        };
        const loads = [warmUp, visit].map((load) => ({ ...load, warmUpSeconds: SETTLE_SECONDS }));
        const done: Round[] = [];
        for (let round = 0; round < rounds; round += 1)
          done.push(await runAll(round, setting, loads));
        return figuresOf(done);
      } finally {
        await hung.close();
        await kafka.stop();
      }
    });
  return store === 'memory' ? measureWith() : withToolTable(measureWith);
}

/** With a PostgreSQL that has the tools, for as long as `work` takes. */
async function withToolTable<T>(work: (databaseUrl: string) => Promise<T>): Promise<T> {
  progress('starting PostgreSQL …');
  const postgres = await startPostgres();
  try {
    const url = await postgres.database();
    await fillToolTable(url);
    return await work(url);
  } finally {
    await postgres.stop();
  }
}

async function runAll(round: number, setting: Setting, loads: readonly Load[]): Promise<Round> {
  const lives: Partial<Record<Variant, Life>> = {};
  for (const variant of orderOf(round)) {
    const life = await runVariant(variant, `${variant}.${round}`, setting, loads);
    lives[variant] = life;
    progress(
      `round ${round + 1} ${variant.padEnd(12)} ${rounded(life.throughput)} requests/s, ` +
        `p50 ${rounded(life.p50Ms, 1)} ms, p99 ${rounded(life.p99Ms, 1)} ms, ` +
        `${rounded(life.cpuPerRequestUs, 1)} µs`,
    );
  }
  return lives as Round;
}

/** Service and users hold each connection once, in a process each. */
function checkOpenFiles(connections: number): void {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const [, soft = 'unlimited'] = /^Max open files\s+(\S+)/mu.exec(limits) ?? [];
  const needed = connections + OTHER_FILES;
  if (soft === 'unlimited' || Number(soft) >= needed) return;
  throw new Error(
    `a process may open ${soft} files, and ${connections} connections need ${needed}: ` +
      `raise the limit (ulimit -n ${needed}), or ask for fewer --connections`,
  );
}

function print({ variants, ...figures }: UsersFigures): void {
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  console.table(
    VARIANTS.map((variant) => {
      const { account, ...row } = variants[variant];
      return { variant, ...row, causes: JSON.stringify(account?.causes ?? {}) };
    }),
  );
}
