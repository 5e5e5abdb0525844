import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../local/free-port.ts';
import { startKafka } from '../local/kafka.ts';
import { LEVELS } from '../schemas/index.ts';
import { progress, rounded, wholeNumber, withFolder } from './stack.ts';
import { figuresOf, type Round, type UsersFigures } from './users/figures.ts';
import { openHungKafka } from './users/hung-kafka.ts';
import {
  type Life,
  type Load,
  type RunningVariant,
  type Setting,
  startVariant,
  type Visit,
} from './users/run-variant.ts';
import { orderOf, VARIANTS, type Variant } from './users/variants.ts';

/** The first of a visit come all at once, and who asks at a pace makes up for what they waited. */
const SETTLE_SECONDS = 2;
/** Of a process, beside its connections. */
const OTHER_FILES = 200;

const USAGE = `npm run bench -- users [--connections 2000] [--seconds 2] [--rounds 15] [--warm-up 20]
                       [--pace 1] [--level writes_only] [--json]

A Fastify service in a process of its own for each variant, and autocannon in another: so many users, a
connection each, who ask --pace times a second; with --pace 0 as soon as they are answered, which is as
much as the service can take, so that throughput is the reciprocal of CPU. Of the requests 85 % read,
10 % write, 5 % fail or are denied; each is an event, and the policy's level says which are kept.

  off, offAgain   no ledger in the service; twice, since the machine is never the same twice
  on              the middleware, and one emit for each request
  sync            the same with AUDIT_TRAIL_ASYNC=false: responses wait for what was said
  kafkaStopped    nothing listens where Kafka should be
  kafkaHung       something accepts connections there, and never answers

All services run from the beginning to the end, and are visited in turn: first for --warm-up seconds each,
as fast as they answer, since Node compiles what keeps an event only when some thousands have been kept;
then in each round for --seconds each. Ratios are of one round, to its two visits to services without a
ledger, and medians over the rounds: they bear a machine that is fast and slow by turns.

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
      seconds: { type: 'string', default: '2' },
      'warm-up': { type: 'string', default: '20' },
      rounds: { type: 'string', default: '15' },
      pace: { type: 'string', default: '1' },
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
  const { level } = values;
  if (!LEVELS.some((known) => known === level)) {
    throw new RangeError(`--level: one of ${LEVELS.join(', ')}`);
  }
  checkOpenFiles(connections);
  const figures = await measure(
    { connections, level },
    { warmUp: { seconds: warmUpSeconds, pace: 0 }, visit: { seconds, pace }, rounds },
  );
  const report = { connections, seconds, warmUpSeconds, rounds, pace, level, ...figures };
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
  { warmUp, visit, rounds }: Plan,
): Promise<UsersFigures> {
  return withFolder(async (folder) => {
    progress('starting Kafka …');
    const kafka = await startKafka({ dataDir: join(folder, 'kafka'), compiler: 'optimizing' });
    const hung = await openHungKafka();
    const services = new Map<Variant, RunningVariant>();
    try {
      const there = kafka.brokers[0] ?? '';
      const stopped = `127.0.0.1:${await freePort()}`;
      const setting = { ...service, folder, brokers: { there, stopped, hung: hung.address } };
      for (const variant of VARIANTS) services.set(variant, await startVariant(variant, setting));
      await visitAll('warm-up', services, 0, { ...warmUp, warmUpSeconds: SETTLE_SECONDS });
      const done: Round[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const load = { ...visit, warmUpSeconds: SETTLE_SECONDS };
        done.push(await visitAll(`round ${round + 1}`, services, round, load));
      }
      const lives: Partial<Record<Variant, Life>> = {};
      for (const [variant, running] of services) lives[variant] = await running.end();
      return figuresOf(done, lives as Record<Variant, Life>);
    } finally {
      for (const running of services.values()) await running.stop();
      await hung.close();
      await kafka.stop();
    }
  });
}

async function visitAll(
  name: string,
  services: ReadonlyMap<Variant, RunningVariant>,
  round: number,
  load: Load,
): Promise<Round> {
  const visits: Partial<Record<Variant, Visit>> = {};
  for (const variant of orderOf(round)) {
    const visit = await services.get(variant)?.visit(load);
    if (visit === undefined) throw new Error(`${variant} does not run`);
    visits[variant] = visit;
    progress(
      `${name} ${variant.padEnd(12)} ${rounded(visit.throughput)} requests/s, ` +
        `p50 ${rounded(visit.p50Ms, 1)} ms, p99 ${rounded(visit.p99Ms, 1)} ms, ` +
        `${rounded(visit.cpuPerRequestUs, 1)} µs`,
    );
  }
  return visits as Round;
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
