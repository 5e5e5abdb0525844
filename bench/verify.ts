import { parseArgs } from 'node:util';
import { type ClickHouse, openClickHouse } from '../clickhouse/index.ts';
import { accountForSequences } from '../consumers/verify/sequences.ts';
import { type Comparison, countOffsets, countReasons } from '../consumers/verify/stored-offsets.ts';
import { startEngine } from '../local/engine.ts';
import { describeMachine } from './machine.ts';
import { progress, rounded, wholeNumber, withFolder } from './stack.ts';

const HELP = `npm run bench -- verify [--offsets 100000000] [--partitions 4] [--json]

Fills the columns that \`ledgerline verify\` reads with so many offsets, every thousandth of them quarantined,
takes one away and doubles another, and measures the questions of the fast form: offsets as bitmaps, reasons,
producers' numbers.
`;

const TOPIC_ID = '0c8d7f8e-1111-4222-8333-444455556666';
const TIMEOUT_MS = 900_000;

/** Of the two tables what verify asks, with the codecs of the migrations. */
const TABLES = [
  `CREATE TABLE audit_events (
     kafka_topic LowCardinality(String) CODEC(ZSTD(1)), kafka_topic_id UUID CODEC(ZSTD(1)), kafka_partition UInt32 CODEC(T64, ZSTD(1)),
     kafka_offset UInt64 CODEC(Delta, ZSTD(1)), producer_id UUID CODEC(ZSTD(1)), producer_seq UInt64 CODEC(Delta, ZSTD(1)),
     service LowCardinality(String), event_type LowCardinality(String), data String, occurred_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)))
   ENGINE = MergeTree ORDER BY occurred_at`,
  `CREATE TABLE audit_quarantine (
     kafka_topic LowCardinality(String), kafka_topic_id UUID, kafka_partition UInt32, kafka_offset UInt64,
     kafka_timestamp DateTime64(3, 'UTC'), reason LowCardinality(String), message String,
     headers Map(LowCardinality(String), String))
   ENGINE = MergeTree ORDER BY (kafka_topic_id, kafka_partition, kafka_offset)`,
];

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      offsets: { type: 'string', default: '100000000' },
      partitions: { type: 'string', default: '4' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const offsets = wholeNumber('offsets', values.offsets, 1_000);
  const partitions = wholeNumber('partitions', values.partitions, 1);
  await withFolder(async (dataDir) => {
    const engine = await startEngine({ dataDir });
    const clickhouse = openClickHouse({ url: engine.url, database: 'verify_bench' });
    try {
      const figures = await measure(clickhouse, offsets, partitions);
      const machine = await describeMachine(clickhouse);
      if (values.json)
        process.stdout.write(`${JSON.stringify({ bench: 'verify', ...figures, machine })}\n`);
      else {
        process.stdout.write(
          `${offsets} offsets: ${figures.fastSeconds} s (offsets ${figures.offsetsSeconds}, producers ${figures.producersSeconds}); ` +
            `found ${figures.missing} missing and ${figures.doubled} doubled\n`,
        );
      }
    } finally {
      await clickhouse.close();
      await engine.stop();
    }
  });
}

async function measure(clickhouse: ClickHouse, offsets: number, partitions: number) {
  await fill(clickhouse, offsets, partitions);
  const each = Math.floor(offsets / partitions);
  const comparison: Comparison = {
    topic: 'audit.events',
    topicId: TOPIC_ID,
    bounds: Array.from({ length: partitions }, (_, partition) => ({
      partition,
      from: 0,
      committed: each,
    })),
    onlyFrom: false,
    timeoutMs: TIMEOUT_MS,
  };
  progress('asking …');
  const began = performance.now();
  const counts = await countOffsets(clickhouse, comparison);
  await countReasons(clickhouse, comparison);
  const counted = performance.now();
  await accountForSequences(clickhouse, {
    sinceMs: undefined,
    oldestMs: 0,
    nowMs: Date.now(),
    notConsumed: 0,
    timeoutMs: TIMEOUT_MS,
  });
  const ended = performance.now();
  const settled = counts.filter(({ region }) => region === 'settled');
  return {
    offsets,
    fastSeconds: rounded((ended - began) / 1000, 1),
    offsetsSeconds: rounded((counted - began) / 1000, 1),
    producersSeconds: rounded((ended - counted) / 1000, 1),
    missing: settled.reduce((sum, count) => sum + each - count.offsets, 0),
    doubled: settled.reduce((sum, count) => sum + count.rows - count.offsets, 0),
  };
}

async function fill(clickhouse: ClickHouse, offsets: number, partitions: number): Promise<void> {
  progress(`filling ${offsets} offsets …`);
  const call = { timeoutMs: TIMEOUT_MS };
  await clickhouse.command('CREATE DATABASE IF NOT EXISTS verify_bench', { database: 'default' });
  for (const table of TABLES) await clickhouse.command(table, call);
  const place = `'audit.events', toUUID('${TOPIC_ID}'), number % ${partitions} AS p, intDiv(number, ${partitions}) AS o`;
  const producer = "concat('01900000-0000-7000-8000-0000000000', leftPad(toString(p), 2, '0'))";
  const numbered = `FROM numbers(${Math.floor(offsets / partitions) * partitions})`;
  const rows = `INSERT INTO audit_events SELECT ${place}, toUUID(${producer}), o + 1, 'panel', 'app.created', '',
     now64(6) - toIntervalMillisecond(intDiv(${offsets} - number, 1000)) ${numbered}`;
  // Offset 7 of partition 0 is lost, and its neighbour stored twice: the number of rows stays right.
  await clickhouse.command(`${rows} WHERE number % 1000 != 999 AND NOT (p = 0 AND o = 7)`, call);
  await clickhouse.command(`${rows} WHERE p = 0 AND o = 8`, call);
  await clickhouse.command(
    `INSERT INTO audit_quarantine SELECT ${place}, now64(3), 'invalid', concat('{"producer_id":"', ${producer}, '","producer_seq":', toString(o + 1), '}'), map() ${numbered} WHERE number % 1000 = 999`,
    call,
  );
}
