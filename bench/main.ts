import * as changes from './changes.ts';
import * as compression from './compression.ts';
import * as delivery from './delivery.ts';
import * as emit from './emit.ts';
import * as outage from './outage.ts';
import * as pipeline from './pipeline.ts';
import * as parts from './parts.ts';
import * as policy from './policy.ts';
import * as queries from './queries.ts';
import * as soak from './soak.ts';
import * as storage from './storage.ts';
import * as table from './table.ts';
import * as users from './users.ts';
import * as verify from './verify.ts';

interface Bench {
  readonly says: string;
  run(args: string[]): Promise<void>;
}

const BENCHES: Readonly<Record<string, Bench>> = {
  pipeline: {
    says: 'from Kafka into the ledger: our worker, ClickHouse’s Kafka engine, kafkajs and insert(objects)',
    run: pipeline.run,
  },
  delivery: {
    says: 'what exactly once costs; latency, taking over from a killed worker, memory in an outage',
    run: delivery.run,
  },
  emit: { says: 'what recording an event costs its caller, against pino.info', run: emit.run },
  changes: {
    says: 'what telling two records apart costs, against three diff libraries',
    run: changes.run,
  },
  compression: {
    says: 'what each way to compress Kafka’s messages saves and costs',
    run: compression.run,
  },
  outage: {
    says: 'Kafka away for minutes and the service killed: what was promised is stored once',
    run: outage.run,
  },
  parts: {
    says: 'parts a minute at 10 and 1,000 events a second and at full rate, few and many partitions',
    run: parts.run,
  },
  policy: {
    says: 'what the policy saves and costs: levels, sampled totals, round trips, events not kept',
    run: policy.run,
  },
  queries: {
    says: 'what people ask of the ledger, warm and cold, against PostgreSQL; and while jobs run beside',
    run: queries.run,
  },
  soak: {
    says: 'random faults of workers, broker and engine for minutes: every offset once, byte for byte',
    run: soak.run,
  },
  storage: { says: 'bytes at rest per event, by column', run: storage.run },
  table: {
    says: 'layouts of the ledger’s table against the whole query catalogue',
    run: table.run,
  },
  users: {
    says: 'a service under 2,000 connections: auditing off, on, waiting, and with Kafka stopped or hung',
    run: users.run,
  },
  verify: {
    says: 'what it takes to prove, by offsets, that every event is stored once',
    run: verify.run,
  },
};

const USAGE = `npm run bench -- <name> [--json] [options]

${Object.entries(BENCHES)
  .map(([name, { says }]) => `  ${name.padEnd(13)}${says}`)
  .join('\n')}

--json prints one line of figures on stdout; progress goes to stderr. \`npm run bench -- <name> --help\`
lists a bench's own options. Figures and the machine they were taken on: bench/RESULTS.md
`;

const [name = '', ...args] = process.argv.slice(2);
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (name === '--help' || name === 'help') {
  process.stdout.write(USAGE);
} else if (bench === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  try {
    await bench.run(args);
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
