import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Judgement } from '../test/support/oracle.ts';
import { Random } from './events/random.ts';
import { FAULTS } from './soak/faults.ts';
import { Ground } from './soak/ground.ts';
import { median, progress, rounded, wholeNumber, withFolder } from './stack.ts';

const USAGE = `npm run bench -- soak [--minutes 20] [--seconds N] [--rate 500] [--workers 3] [--seed N] [--json]

Random faults of all kinds, one after the other, against workers, broker and engine, while a producer
sends, one message in 500 of them poison. Then the oracle of the fault tests compares the broker's
offsets and what the producer wrote down with the ledger, byte by byte. Exit code 1 when anything is
missing, doubled, altered or foreign. The same seed chooses the same faults; their moments vary.
`;

/** How long storing may take to go on after a fault. */
const RECOVERY_LIMIT_MS = 120_000;
const DRAIN_LIMIT_MS = 600_000;
const POISON_EVERY = 500;

interface Recoveries {
  readonly times: number;
  /** From the end of the fault to the next row in the ledger. */
  readonly medianMs: number;
  readonly maxMs: number;
}

interface SoakReport {
  readonly seconds: number;
  readonly seed: number;
  readonly workers: number;
  readonly rate: number;
  readonly faults: number;
  readonly byKind: Readonly<Record<string, Recoveries>>;
  /** Offsets of the broker. */
  readonly offsets: number;
  readonly acknowledged: number;
  readonly stored: number;
  readonly quarantined: number;
  readonly missing: number;
  readonly doubled: number;
  readonly altered: number;
  readonly foreign: number;
  readonly drainSeconds: number;
  readonly workersStarted: number;
  /** Workers that ended by themselves, by code: they were started while Kafka or ClickHouse was away. */
  readonly ownStops: Readonly<Record<string, number>>;
  readonly peakRssMb: number;
}

/** `npm run bench -- soak` */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '20' },
      seconds: { type: 'string' },
      rate: { type: 'string', default: '500' },
      workers: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const seconds = values.seconds
    ? wholeNumber('seconds', values.seconds, 1)
    : 60 * wholeNumber('minutes', values.minutes, 1);
  const report = await soak({
    seconds,
    rate: wholeNumber('rate', values.rate, 10),
    workers: wholeNumber('workers', values.workers, 1),
    seed: wholeNumber('seed', values.seed, 0),
  });
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const { byKind, ...figures } = report;
    process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
    console.table(byKind);
  }
  if (report.missing + report.doubled + report.altered + report.foreign > 0) process.exitCode = 1;
}

function soak(asked: {
  seconds: number;
  rate: number;
  workers: number;
  seed: number;
}): Promise<SoakReport> {
  const random = new Random(asked.seed);
  return withFolder(async (folder) => {
    progress(`starting Kafka, ClickHouse and ${asked.workers} workers; seed ${asked.seed} …`);
    const ground = await Ground.open(folder, asked.workers);
    try {
      const load = ground.scene.load(asked.rate, { poisonEvery: POISON_EVERY });
      await recovered(ground);
      const recoveries = await harm(ground, random, asked.seconds);
      await load.stop();
      progress('draining, then judging …');
      const drainingMs = performance.now();
      const judgement = await ground.scene.judgeWhenCommitted(DRAIN_LIMIT_MS);
      const drainSeconds = rounded((performance.now() - drainingMs) / 1000, 1);
      showFaults(judgement);
      return {
        ...asked,
        faults: [...recoveries.values()].reduce((sum, { length }) => sum + length, 0),
        byKind: Object.fromEntries(
          [...recoveries].map(([kind, ms]) => [
            kind,
            { times: ms.length, medianMs: median(ms), maxMs: Math.max(...ms) },
          ]),
        ),
        offsets: judgement.produced,
        acknowledged: load.acknowledged,
        stored: judgement.stored,
        quarantined: judgement.quarantined,
        missing: judgement.missing.length,
        doubled: judgement.doubled.length,
        altered: judgement.altered.length,
        foreign: judgement.foreign.length,
        drainSeconds,
        workersStarted: ground.workersStarted,
        ownStops: Object.fromEntries(ground.ownStops),
        peakRssMb: rounded(ground.peakRssMb),
      };
    } finally {
      await ground.close();
    }
  });
}

/** One fault after the other until the time is over; answers how long each took to be over. */
async function harm(
  ground: Ground,
  random: Random,
  seconds: number,
): Promise<Map<string, number[]>> {
  const kinds = Object.keys(FAULTS);
  const recoveries = new Map<string, number[]>();
  const startMs = performance.now();
  while (performance.now() - startMs < seconds * 1000) {
    const kind = kinds[random.below(kinds.length)] ?? '';
    progress(`${rounded((performance.now() - startMs) / 1000)} s: ${kind}`);
    await FAULTS[kind]?.(ground, random);
    recoveries.set(kind, [...(recoveries.get(kind) ?? []), await recovered(ground)]);
    await delay(random.below(3_000));
  }
  return recoveries;
}

/** Milliseconds until another row is stored than those that are there now. */
async function recovered(ground: Ground): Promise<number> {
  const startMs = performance.now();
  let before: string | undefined;
  while (performance.now() - startMs < RECOVERY_LIMIT_MS) {
    try {
      const [now] = await ground.scene.clickhouse.query<{ rows: string }>(
        'SELECT count() AS rows FROM audit_events',
        { timeoutMs: 5_000 },
      );
      before ??= now?.rows;
      if (now?.rows !== before) return rounded(performance.now() - startMs);
    } catch {
      // The engine is on its way back.
    }
    await delay(100);
  }
  throw new Error(`nothing was stored for ${RECOVERY_LIMIT_MS / 1000} s after a fault`);
}

function showFaults({ missing, doubled, altered, foreign }: Judgement): void {
  for (const [what, where] of Object.entries({ missing, doubled, altered, foreign })) {
    if (where.length > 0) progress(`${what}: ${where.slice(0, 20).join(', ')}`);
  }
}
