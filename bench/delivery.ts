import { parseArgs } from 'node:util';
import { openClickHouse } from '../clickhouse/index.ts';
import type { Stack } from '../local/stack.ts';
import { measureCost, measureThroughput } from './delivery/filled.ts';
import { measureKill } from './delivery/kill.ts';
import { measureLatency } from './delivery/latency.ts';
import { measureOutage } from './delivery/outage.ts';
import { PARTITIONS } from './delivery/paced.ts';
import { describeMachine } from './machine.ts';
import { fillTopic } from './pipeline/topic.ts';
import { progress, wholeNumber, withStack } from './stack.ts';

const PARTS = ['cost', 'throughput', 'kill', 'latency', 'outage'] as const;
type Part = (typeof PARTS)[number];

const USAGE = `npm run bench -- delivery [--only ${PARTS.join(',')}] [--events 400000] [--rounds 5]
                             [--seconds 30] [--outage-seconds 300] [--json]

What exactly once costs and what operators may count on. Each part checks that every message is in
the ledger once before it reports.

  cost        rows a second with the protocol and without it (no intents, hashes, tokens, looks,
              leases; the same way of the bytes), --rounds pairs over --events messages
  throughput  one worker and two of a group over the same backlog, at most 3 rounds
  kill        two workers under load, one gets SIGKILL: until the other has stored the first row of
              its partitions; at most 3 rounds
  latency     from produced to readable at 100 and at 10,000 events a second, --seconds each
  outage      the most memory a worker holds while ClickHouse is away for --outage-seconds amid a
              backlog of --events, and until it has caught up

Example: npm run bench -- delivery --only latency,kill --seconds 10 --rounds 1 --json
`;

const MOST_ROUNDS = 3;

interface Asked {
  readonly parts: ReadonlySet<Part>;
  readonly events: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly outageSeconds: number;
}

/** `npm run bench -- delivery` */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: PARTS.join(',') },
      events: { type: 'string', default: '400000' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '30' },
      'outage-seconds': { type: 'string', default: '300' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const report = await measure({
    parts: new Set(values.only.split(',').map(partOf)),
    events: wholeNumber('events', values.events, 1_000),
    rounds: wholeNumber('rounds', values.rounds, 1),
    seconds: wholeNumber('seconds', values.seconds, 2),
    outageSeconds: wholeNumber('outage-seconds', values['outage-seconds'], 1),
  });
  process.stdout.write(`${JSON.stringify(report, null, values.json ? undefined : 2)}\n`);
}

function partOf(name: string): Part {
  const part = PARTS.find((one) => one === name);
  if (part) return part;
  throw new RangeError(`--only: ${PARTS.join(', ')}, several separated by commas`);
}

async function measure(asked: Asked): Promise<Readonly<Record<string, unknown>>> {
  const { parts, events } = asked;
  const onStack = [...parts].some((part) => part !== 'outage');
  return {
    ...(onStack && (await withStack((stack) => measureOnStack(stack, asked)))),
    ...(parts.has('outage') && (await measureOutage(asked.outageSeconds, events))),
    events,
  };
}

async function measureOnStack(
  stack: Stack,
  { parts, events, rounds, seconds }: Asked,
): Promise<Readonly<Record<string, unknown>>> {
  const few = Math.min(rounds, MOST_ROUNDS);
  const figures = {
    ...(parts.has('latency') && (await measureLatency(stack, seconds))),
    ...(parts.has('kill') && (await measureKill(stack, few))),
  };
  const clickhouse = openClickHouse({ url: stack.engine.url });
  try {
    const machine = await describeMachine(clickhouse);
    if (!parts.has('cost') && !parts.has('throughput')) return { ...figures, machine };
    progress(`filling a topic with ${events} events …`);
    const filled = await fillTopic(stack.kafka.brokers, events, PARTITIONS);
    return {
      ...(parts.has('cost') && (await measureCost(stack, filled, rounds))),
      ...(parts.has('throughput') && (await measureThroughput(stack, filled, few))),
      ...figures,
      machine,
    };
  } finally {
    await clickhouse.close();
  }
}
