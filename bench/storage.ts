import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouse } from '../clickhouse/index.ts';
import type { Stack } from '../local/stack.ts';
import { describeMachine, type Machine } from './machine.ts';
import { ledgerline } from './pipeline/ledgerline.ts';
import { runRound } from './pipeline/round.ts';
import { fillTopic } from './pipeline/topic.ts';
import { progress, rounded, wholeNumber, withStack } from './stack.ts';

const PARTITIONS = 4;
const SETTLE_MS = 120_000;
const LOOK_MS = 250;
const QUIET_LOOKS = 8;
const OPTIMIZE_MS = 300_000;

const USAGE = `npm run bench -- storage [--events 1000000] [--json]

Bytes at rest per event: the four catalogs' mix through Kafka and our worker, as it writes its
blocks, measured in system.parts (columns, indexes and projections) when the last row is stored,
when the merges that follow have settled, and after OPTIMIZE FINAL.
`;

interface Sizes {
  readonly parts: number;
  readonly bytesPerEvent: number;
}

interface ColumnSize {
  readonly name: string;
  readonly bytesPerEvent: number;
}

/** `npm run bench -- storage` */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      events: { type: 'string', default: '1000000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const events = wholeNumber('events', values.events, 1_000);
  const report = await withStack((stack) => measure(stack, events));
  if (values.json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const { columns, ...figures } = report;
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  for (const { name, bytesPerEvent } of columns) {
    process.stdout.write(`${bytesPerEvent.toFixed(2).padStart(8)}  ${name}\n`);
  }
}

interface StorageReport {
  /** After the merges that follow the inserts by themselves. */
  readonly bytesPerEvent: number;
  readonly inserted: Sizes;
  readonly merged: Sizes;
  readonly optimized: Sizes;
  readonly events: number;
  readonly wireBytes: number;
  readonly columns: readonly ColumnSize[];
  readonly machine: Machine;
}

async function measure(stack: Stack, events: number): Promise<StorageReport> {
  const filled = await fillTopic(stack.kafka.brokers, events, PARTITIONS);
  let report: StorageReport | undefined;
  await runRound(ledgerline, stack, filled, 'storage', async (clickhouse) => {
    const inserted = await sizes(clickhouse, events);
    progress(`inserted: ${JSON.stringify(inserted)}`);
    await settled(clickhouse);
    const merged = await sizes(clickhouse, events);
    progress(`merged: ${JSON.stringify(merged)}`);
    // Only wide parts know how much each column takes.
    await clickhouse.command('ALTER TABLE audit_events MODIFY SETTING min_bytes_for_wide_part = 0');
    await clickhouse.command('OPTIMIZE TABLE audit_events FINAL', { timeoutMs: OPTIMIZE_MS });
    report = {
      bytesPerEvent: merged.bytesPerEvent,
      inserted,
      merged,
      optimized: await sizes(clickhouse, events),
      events,
      wireBytes: rounded(filled.wireBytes),
      columns: await columnSizes(clickhouse, events),
      machine: await describeMachine(clickhouse),
    };
  });
  if (!report) throw new Error('nothing was measured');
  return report;
}

/** On disk, with everything that belongs to a part: columns, marks, indexes, projections. */
async function sizes(clickhouse: ClickHouse, events: number): Promise<Sizes> {
  const [row] = await clickhouse.query<{ parts: string; bytes: string }>(
    `SELECT count() AS parts, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE database = currentDatabase() AND table = 'audit_events' AND active`,
  );
  return {
    parts: Number(row?.parts),
    bytesPerEvent: rounded(Number(row?.bytes) / events, 1),
  };
}

/** What each column, skip index and projection takes, the largest first. */
async function columnSizes(clickhouse: ClickHouse, events: number): Promise<ColumnSize[]> {
  const rows = await clickhouse.query<{ name: string; size: string }>(
    `SELECT column AS name, sum(column_bytes_on_disk) AS size FROM system.parts_columns
       WHERE database = currentDatabase() AND table = 'audit_events' AND active GROUP BY name
     UNION ALL
     SELECT concat('index ', name), sum(data_compressed_bytes + marks_bytes)
       FROM system.data_skipping_indices
       WHERE database = currentDatabase() AND table = 'audit_events' GROUP BY name
     UNION ALL
     SELECT concat('projection ', name), sum(bytes_on_disk) FROM system.projection_parts
       WHERE database = currentDatabase() AND table = 'audit_events' AND active GROUP BY name`,
  );
  return rows
    .map(({ name, size }) => ({ name, bytesPerEvent: rounded(Number(size) / events, 2) }))
    .sort((a, b) => b.bytesPerEvent - a.bytesPerEvent);
}

/** Waits until the engine has found nothing to merge for two seconds. */
async function settled(clickhouse: ClickHouse): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  for (let quiet = 0; quiet < QUIET_LOOKS && performance.now() < deadline; quiet++) {
    const [row] = await clickhouse.query<{ merges: string }>(
      'SELECT count() AS merges FROM system.merges WHERE database = currentDatabase()',
    );
    if (row?.merges !== '0') quiet = -1;
    await delay(LOOK_MS);
  }
}
