/**
 * Puts a rebuilt table in the ledger's place. The workers are fenced at their committed offsets by the broker
 * itself, so that nothing is committed for the old table any more; the new table gets what only the old one
 * has; and the two are exchanged in one step, or not at all.
 */
import { pause } from '../backoff.ts';
import { encodeFence, encodeIdle } from '../intent.ts';
import { LEDGER_TABLE } from '../ledger-sink.ts';
import { describeTopic } from '../topic.ts';
import { WorkerError } from '../worker-error.ts';
import { copyWhatLacks } from './copy.ts';
import { removeSuperseded, type SwapFaults, swapFaults } from './differences.ts';
import { GroupOffsets } from './group-offsets.ts';
import { readInto } from './read.ts';
import { assertOneNode, assertSameTopic, kafkaOptions, type RebuildOptions } from './rebuild.ts';
import type { FencedPartition, RebuildRecord } from './record.ts';
import { recordIn, remember, sameDefinition, whenQuiet } from './tables.ts';

export interface Swapping extends RebuildOptions {
  /** Other topics whose events the table holds, and whose workers are stopped. */
  readonly idleTopics: readonly string[];
}

export interface Swapped {
  /** It holds the old ledger now. */
  readonly table: string;
  /** Where the workers were fenced, by partition: they go on from there. */
  readonly fencedAt: readonly number[];
  readonly rows: number;
  /** Rows that only the old table had, beyond those copied at the beginning. */
  readonly copied: number;
}

const KAFKA_DEADLINE_MS = 5_000;
const DDL_TIMEOUT_MS = 60_000;
/** Clocks may disagree a little on how long a lease is. */
const LEASE_MARGIN_MS = 1_000;

/**
 * Swaps. Killed anywhere, it is run again and ends what was begun.
 *
 * @throws WorkerError REBUILD_REFUSED with the reason; the ledger is then what it was, and its workers go on
 */
export async function swap(options: Swapping): Promise<Swapped> {
  const { config, clickhouse, table } = options;
  assertOneNode(clickhouse);
  const kafka = kafkaOptions(config);
  const facts = await describeTopic(kafka, KAFKA_DEADLINE_MS);
  const offsets = await GroupOffsets.open(kafka);
  try {
    const exchanged = await recordIn(clickhouse, LEDGER_TABLE);
    if (exchanged?.kind === 'rebuild') {
      if (exchanged.table === table) return await finish(options, exchanged, offsets, 0);
      throw new WorkerError('REBUILD_REFUSED', `The swap with ${exchanged.table} is not ended.`, {
        hint: `Run \`ledgerline rebuild swap ${exchanged.table}\` first.`,
      });
    }
    const found = await recordIn(clickhouse, table);
    if (found?.kind !== 'rebuild' || found.step === 'copying') {
      throw new WorkerError('REBUILD_REFUSED', `No rebuild has filled a table ${table}.`, {
        hint: `Run \`ledgerline rebuild --into ${table}\` first, until it has caught up.`,
      });
    }
    assertSameTopic(found, kafka, facts);
    await assertAlike(options);
    await whenQuiet(clickhouse, table);
    const lows = new Map(facts.partitions.map(({ partition, low }) => [partition, low]));
    const fenced = await fence(options, found, lows, offsets);
    let copied: number;
    try {
      copied = await makeEqual(options, fenced);
      refuseFaults(table, await swapFaults(clickhouse, pairOf(table)));
      options.signal.throwIfAborted();
    } catch (error) {
      await release(options, fenced, offsets);
      throw error;
    }
    await clickhouse.command(`EXCHANGE TABLES ${LEDGER_TABLE} AND ${table}`, {
      timeoutMs: DDL_TIMEOUT_MS,
    });
    return await finish(options, fenced, offsets, copied);
  } finally {
    await offsets.close();
  }
}

const pairOf = (table: string) => ({ old: LEDGER_TABLE, fresh: table });

/** What has to hold before anyone is disturbed. */
async function assertAlike({ clickhouse, table, config, idleTopics }: Swapping): Promise<void> {
  if (!(await sameDefinition(clickhouse, LEDGER_TABLE, table))) {
    throw new WorkerError(
      'REBUILD_REFUSED',
      `${LEDGER_TABLE} has been altered since ${table} was made: a migration, or another retention.`,
      { hint: `Drop it with \`ledgerline rebuild drop ${table}\`, and begin again.` },
    );
  }
  const topics = await clickhouse.query<{ topic: string }>(
    `SELECT DISTINCT toString(kafka_topic) AS topic FROM ${LEDGER_TABLE} WHERE kafka_topic != {topic:String}`,
    { params: { topic: config.kafka.topic } },
  );
  const running = topics.map(({ topic }) => topic).filter((topic) => !idleTopics.includes(topic));
  if (running.length === 0) return;
  throw new WorkerError(
    'REBUILD_REFUSED',
    `The table holds events of other topics, too, whose workers this cannot fence: ${running.join(', ')}.`,
    { hint: 'Stop their workers, and name each with --idle-topic.' },
  );
}

/**
 * From here on nobody commits for the workers' group: what they committed is written down first, then put
 * back with a note that no worker goes past.
 */
async function fence(
  { clickhouse, table }: Swapping,
  record: RebuildRecord,
  lows: ReadonlyMap<number, number>,
  offsets: GroupOffsets,
): Promise<RebuildRecord> {
  // A fence that was killed half-way is made with what it wrote down: going back loses nothing.
  const partitions = record.fence?.partitions ?? (await committedBy(offsets, lows, record.topicId));
  const fenced: RebuildRecord = {
    ...record,
    step: 'fenced',
    fence: { partitions, at: record.fence?.at ?? new Date().toISOString() },
  };
  await remember(clickhouse, table, fenced);
  const note = encodeFence(record.topicId, table);
  await offsets.write(
    partitions.map((partition) => ({ ...partition, metadata: note })),
    true,
  );
  return fenced;
}

async function committedBy(
  offsets: GroupOffsets,
  lows: ReadonlyMap<number, number>,
  topicId: string,
): Promise<FencedPartition[]> {
  const committed = await offsets.read([...lows.keys()]);
  return committed.map(({ partition, offset, metadata }) =>
    offset < 0
      ? { partition, offset: lows.get(partition) ?? 0, metadata: encodeIdle(topicId) }
      : { partition, offset, metadata },
  );
}

/** Until the new table holds all that the old one does, and as the old one does. Returns rows copied. */
async function makeEqual(options: Swapping, record: RebuildRecord): Promise<number> {
  const { clickhouse, table, config, signal, onProgress, log } = options;
  const partitions = record.fence?.partitions ?? [];
  await leasesOver(options);
  const read = await readInto({
    config,
    kafka: kafkaOptions(config),
    table,
    record,
    log,
    until: new Map(partitions.map(({ partition, offset }) => [partition, offset])),
    signal,
    onRead: (done, total) => onProgress('reading', done, total),
  });
  if (!read) signal.throwIfAborted();
  onProgress('comparing', 0, 1);
  await removeSuperseded(clickhouse, pairOf(table));
  return copyWhatLacks(clickhouse, pairOf(table), (done, total) => {
    signal.throwIfAborted();
    onProgress('copying', done, total);
  });
}

/**
 * A worker that slept through its fence may still have an insert in hand, which would go into whatever table
 * bears the ledger's name by then. Its lease was given by a commit from before the fence: it is waited for, from
 * now on in each run, since a fence that was killed half-way may have been made whole only now.
 */
async function leasesOver({ config, signal, onProgress }: Swapping): Promise<void> {
  const total = config.leaseMs + LEASE_MARGIN_MS;
  const until = Date.now() + total;
  for (let left = total; left > 0; left = until - Date.now()) {
    signal.throwIfAborted();
    onProgress('waiting', total - left, total);
    await pause(Math.min(500, left), signal);
  }
}

function refuseFaults(table: string, faults: SwapFaults): void {
  const { lacking, doubled, unerased, quarantined } = faults;
  const said = [
    ...(lacking > 0 ? [`lacks ${lacking} offsets that the ledger holds`] : []),
    ...(doubled > 0 ? [`holds ${doubled} rows more than once`] : []),
    ...(unerased > 0 ? [`holds ${unerased} events as they were before they were erased`] : []),
    ...(quarantined > 0 ? [`holds ${quarantined} messages that are in quarantine`] : []),
  ];
  if (said.length === 0) return;
  throw new WorkerError('REBUILD_REFUSED', `The table ${table} ${said.join(', ')}.`, {
    hint: `The ledger is as it was. Drop the table with \`ledgerline rebuild drop ${table}\`, and begin again.`,
  });
}

/** Not swapped: the workers go on with the old table. */
async function release(
  { clickhouse, table }: Swapping,
  record: RebuildRecord,
  offsets: GroupOffsets,
): Promise<void> {
  await offsets.write(record.fence?.partitions ?? [], true);
  const { fence: _, ...rest } = record;
  await remember(clickhouse, table, { ...rest, step: 'reading' });
}

/** The tables are exchanged: `table` is the old one now. */
async function finish(
  { clickhouse, table, signal }: Swapping,
  record: RebuildRecord,
  offsets: GroupOffsets,
  copied: number,
): Promise<Swapped> {
  await whenQuiet(clickhouse, table);
  const partitions = record.fence?.partitions ?? [];
  // An erasure may have ended on the old table between the comparison and the exchange.
  const back = { old: table, fresh: LEDGER_TABLE };
  await removeSuperseded(clickhouse, back);
  const late = await copyWhatLacks(clickhouse, back, () => signal.throwIfAborted());
  await remember(clickhouse, table, {
    kind: 'replaced',
    at: new Date().toISOString(),
    topic: record.topic,
  });
  await offsets.write(partitions, true);
  // Last: until here, running it again ends what is left.
  await remember(clickhouse, LEDGER_TABLE, undefined);
  const [row] = await clickhouse.query<{ n: string }>(`SELECT count() AS n FROM ${LEDGER_TABLE}`);
  return {
    table,
    fencedAt: partitions.map(({ offset }) => offset),
    rows: Number(row?.n),
    copied: copied + late,
  };
}
