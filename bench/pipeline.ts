import { parseArgs } from 'node:util';
import { openClickHouse } from '../clickhouse/index.ts';
import type { Stack } from '../local/stack.ts';
import { describeMachine, type Machine } from './machine.ts';
import { kafkaEngine } from './pipeline/kafka-engine.ts';
import { ledgerline } from './pipeline/ledgerline.ts';
import { type Figures, runRound } from './pipeline/round.ts';
import { fillTopic } from './pipeline/topic.ts';
import { DEFAULTS, TUNED, usual } from './pipeline/usual.ts';
import { median, progress, rounded, wholeNumber, withStack } from './stack.ts';

const PARTITIONS = 4;
const CONTENDERS = {
  ledgerline,
  kafkaEngine: kafkaEngine(),
  usual: usual('usual', DEFAULTS),
  usualTuned: usual('usualTuned', TUNED),
} as const;
type Name = keyof typeof CONTENDERS;
const NAMES = Object.keys(CONTENDERS) as Name[];

const USAGE = `npm run bench -- pipeline [--events 1000000] [--rounds 3] [--only NAME] [--json]

The same messages from the same topic into the same table, by four ways in turn, in each round:
ledgerline (our worker, the whole protocol), kafkaEngine (ENGINE = Kafka and a materialized view),
usual (kafkajs eachBatch, JSON.parse, client.insert(objects), commit, with kafkajs's defaults) and
usualTuned (the same, four partitions at once with fetches of 8 MiB each). Medians of the rounds.
`;

/** `npm run bench -- pipeline` */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      events: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const events = wholeNumber('events', values.events, 1_000);
  const rounds = wholeNumber('rounds', values.rounds, 1);
  const names = NAMES.filter((name) => values.only?.includes(name) ?? true);
  const report = await withStack((stack) => measure(stack, names, events, rounds));
  process.stdout.write(`${JSON.stringify(report, null, values.json ? undefined : 2)}\n`);
}

async function measure(
  stack: Stack,
  names: readonly Name[],
  events: number,
  rounds: number,
): Promise<Readonly<Record<string, unknown>>> {
  const filled = await fillTopic(stack.kafka.brokers, events, PARTITIONS);
  const runs = new Map<Name, Figures[]>(names.map((name) => [name, []]));
  let content: string | undefined;
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      const run = `${name.toLowerCase()}_${round}`;
      const figures = await runRound(CONTENDERS[name], stack, filled, run);
      content ??= figures.checksum;
      if (figures.checksum !== content) throw new Error(`${run} stored other content`);
      runs.get(name)?.push(figures);
      progress(`round ${round}, ${name}: ${JSON.stringify(shown(figures))}`);
    }
  }
  return {
    ...Object.fromEntries([...runs].map(([name, each]) => [name, medians(each)])),
    ...ratios(runs),
    events,
    rounds,
    wireBytes: rounded(filled.wireBytes),
    machine: await machineOf(stack),
  };
}

async function machineOf(stack: Stack): Promise<Machine> {
  const clickhouse = openClickHouse({ url: stack.engine.url });
  try {
    return await describeMachine(clickhouse);
  } finally {
    await clickhouse.close();
  }
}

type Shown = Omit<Figures, 'checksum'>;

const shown = (figures: Figures): Shown => ({
  rowsPerSecond: rounded(figures.rowsPerSecond),
  cpuSecondsPerMillion: rounded(figures.cpuSecondsPerMillion, 1),
  engineCpuSecondsPerMillion: rounded(figures.engineCpuSecondsPerMillion, 1),
  peakRssMb: rounded(figures.peakRssMb),
});

function medians(runs: readonly Figures[]): Shown {
  const of = (field: keyof Shown): number => median(runs.map((run) => run[field]));
  return shown({
    rowsPerSecond: of('rowsPerSecond'),
    cpuSecondsPerMillion: of('cpuSecondsPerMillion'),
    engineCpuSecondsPerMillion: of('engineCpuSecondsPerMillion'),
    peakRssMb: of('peakRssMb'),
    checksum: '',
  });
}

/** How many times as fast as the others ours was. */
function ratios(runs: ReadonlyMap<Name, readonly Figures[]>): Record<string, number> {
  const speed = (name: Name): number =>
    median((runs.get(name) ?? []).map((run) => run.rowsPerSecond));
  const ours = speed('ledgerline');
  return Object.fromEntries(
    [
      ['ratioToKafkaEngine', ours / speed('kafkaEngine')] as const,
      ['ratioToUsual', ours / speed('usual')] as const,
      ['ratioToUsualTuned', ours / speed('usualTuned')] as const,
    ]
      .filter(([, ratio]) => !Number.isNaN(ratio))
      .map(([name, ratio]) => [name, rounded(ratio, 2)]),
  );
}
