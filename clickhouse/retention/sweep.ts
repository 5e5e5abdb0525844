import type { ClickHouse } from '../clickhouse.ts';
import { onClusterClause, storedIn } from '../cluster.ts';
import { ClickHouseError } from '../errors.ts';
import { syncInTurn } from '../holds/place.ts';
import { inTurn, type Turn, type Waiting } from '../holds/turn.ts';
import { daysInForce, type RetentionState } from './classes.ts';
import { readParts, rowsIn } from './parts.ts';
import { readRetentionState } from './retention.ts';
import { type PartitionSweep, stepsFor, sweepPlan } from './sweep-plan.ts';

export interface SweepOptions extends Waiting {
  /** Rows that a step deletes, as far as whole parts allow. 10,000. */
  readonly batchSize?: number;
  /** Finds out what would go, and removes nothing. */
  readonly dryRun?: boolean;
  /** Also rewrites the parts, so that the deleted rows leave the disk now and not with a later merge. */
  readonly purge?: boolean;
  /** Stops before the next step; what is done is done, and the next sweep goes on. */
  readonly signal?: AbortSignal;
  /** Told after each step. */
  readonly onStep?: (done: SweepProgress) => void;
}

export interface SweepProgress {
  readonly retentionClass: string;
  readonly month: string;
  /** Rows that this step removed. */
  readonly rows: number;
  /** They went with their whole part. */
  readonly wholePart: boolean;
  /** Of all that this sweep will remove. */
  readonly doneRows: number;
  readonly totalRows: number;
}

export interface SweepResult {
  /** False where AUDIT_TRAIL_CLEANUP_ENABLED=false has stopped all expiry: nothing was removed. */
  readonly cleanup: boolean;
  readonly dryRun: boolean;
  /** Rows whose days are over when the sweep began. */
  readonly expiredRows: number;
  readonly removedRows: number;
  /** Parts that went whole, which costs nothing. */
  readonly droppedParts: number;
  /** Deletes that were run, each about one partition. */
  readonly steps: number;
  readonly durationMs: number;
  readonly interrupted: boolean;
  readonly partitions: readonly {
    readonly retentionClass: string;
    readonly month: string;
    readonly expiredRows: number;
    readonly removedRows: number;
  }[];
}

/** Mutations of large parts take minutes; whoever is cut off here goes on with the next sweep. */
const STEP_TIMEOUT_MS = 3_600_000;

/**
 * Removes every event whose days are over, on the day, where the table's own expiry would wait for the
 * end of its month. Parts that have expired as a whole are dropped; of others the expired rows are
 * deleted in bounded steps. Reads and inserts go on. Running it again, twice at once, or after it was
 * cut off, does no harm: each step is decided by what is there. First it takes up what has come under holds
 * since they were placed; holds and erasures get their turn between two partitions.
 *
 * @throws ClickHouseError, ClickHouseUnreachable, LedgerlineError `KEEPING_BUSY`; what was removed until then is
 *   gone for good
 *
 * @example
 * const { removedRows, durationMs } = await sweep(clickhouse, { batchSize: 10_000 });
 */
export async function sweep(
  clickhouse: ClickHouse,
  options: SweepOptions = {},
): Promise<SweepResult> {
  const { batchSize = 10_000, dryRun = false, signal } = options;
  const startMs = performance.now();
  const { classes, cleanup } = await readRetentionState(clickhouse);
  const { nowS, parts } = await readParts(clickhouse);
  const plan = sweepPlan(parts, classes, nowS);
  const found = await Promise.all(
    plan.map(async (partition) => ({ partition, rows: await countExpired(clickhouse, partition) })),
  );
  const totalRows = found.reduce((total, { rows }) => total + rows, 0);
  const removed = new Map<PartitionSweep, number>();
  let doneRows = 0;
  let droppedParts = 0;
  let steps = 0;
  const note = (partition: PartitionSweep, rows: number, wholePart: boolean): void => {
    const { retentionClass, month } = partition;
    doneRows += rows;
    removed.set(partition, (removed.get(partition) ?? 0) + rows);
    options.onStep?.({ retentionClass, month, rows, wholePart, doneRows, totalRows });
  };

  /** What is removed cannot be had back, and a sweep takes its time: each step asks whether it still holds. */
  const over = async ({ retentionClass, cutoffS }: PartitionSweep): Promise<boolean> =>
    (signal?.aborted ?? false) ||
    cutoffS > cutoffOf(await readRetentionState(clickhouse), retentionClass, nowS);

  const sweepPartition = async (partition: PartitionSweep, turn: Turn): Promise<void> => {
    for (const { name } of partition.whole) {
      if (await over(partition)) break;
      const inside = await rowsIn(clickhouse, [name]);
      turn.assertMine();
      if (!(await dropPart(clickhouse, name))) continue;
      droppedParts += 1;
      note(partition, inside, true);
    }
    const cutoffs = (await over(partition))
      ? []
      : await cutoffsOf(clickhouse, partition, batchSize);
    for (const cutoff of cutoffs) {
      if (await over(partition)) break;
      steps += 1;
      turn.assertMine();
      note(partition, await deleteUpTo(clickhouse, partition, cutoff), false);
    }
    if (options.purge && !signal?.aborted) await purge(clickhouse, partition);
  };

  if (cleanup && !dryRun) {
    const inTurnOf = (run: (turn: Turn) => Promise<unknown>): Promise<unknown> =>
      inTurn(clickhouse, 'sweep', run, options);
    try {
      // What has come under a hold since it was placed is taken up before anything goes.
      await inTurnOf((turn) => syncInTurn(clickhouse, turn, signal));
      for (const { partition } of found) {
        if (signal?.aborted) break;
        // A turn each: a hold need not wait for all of them.
        await inTurnOf((turn) => sweepPartition(partition, turn));
      }
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  }
  return {
    cleanup,
    dryRun,
    expiredRows: totalRows,
    removedRows: doneRows,
    droppedParts,
    steps,
    durationMs: Math.round(performance.now() - startMs),
    interrupted: signal?.aborted ?? false,
    partitions: found.map(({ partition, rows }) => ({
      retentionClass: partition.retentionClass,
      month: partition.month,
      expiredRows: rows,
      removedRows: removed.get(partition) ?? 0,
    })),
  };
}

/** Up to when a class's rows have expired as the table's own days are now; while expiry is stopped, none have. */
function cutoffOf(state: RetentionState, retentionClass: string, nowS: number): number {
  const classes = daysInForce(state);
  const days = classes[retentionClass] ?? classes['standard'];
  return days === undefined ? -Infinity : nowS - days * DAY_S;
}

const DAY_S = 86_400;

const OF_PARTITION = `retention_class = {class:String} AND toStartOfMonth(occurred_at) = {month:Date}`;

const paramsOf = ({ retentionClass, month }: PartitionSweep) => ({ class: retentionClass, month });

/** The moment, with microseconds, that a cutoff in seconds is. */
const micros = (seconds: number): string => String(BigInt(seconds) * 1_000_000n);

const countExpired = (clickhouse: ClickHouse, partition: PartitionSweep): Promise<number> =>
  countUpTo(clickhouse, partition, micros(partition.cutoffS));

async function countUpTo(
  clickhouse: ClickHouse,
  partition: PartitionSweep,
  cutoff: string,
): Promise<number> {
  const [row] = await clickhouse.query<{ rows: string }>(
    `SELECT count() AS rows FROM audit_events
     WHERE ${OF_PARTITION} AND toUnixTimestamp64Micro(occurred_at) <= {cutoff:Int64}`,
    { params: { ...paramsOf(partition), cutoff }, timeoutMs: STEP_TIMEOUT_MS },
  );
  return Number(row?.rows ?? 0);
}

/** Where each step ends: about equally many rows between one and the next. */
async function cutoffsOf(
  clickhouse: ClickHouse,
  partition: PartitionSweep,
  batchSize: number,
): Promise<string[]> {
  const last = micros(partition.cutoffS);
  const rows = await countUpTo(clickhouse, partition, last);
  if (rows === 0) return [];
  const steps = stepsFor(rows, batchSize);
  if (steps === 1) return [last];
  const levels = Array.from({ length: steps - 1 }, (_, step) => (step + 1) / steps).join(', ');
  const [row] = await clickhouse.query<{ cutoffs: string[] }>(
    `SELECT arrayMap(bound -> toString(toInt64(bound)), quantiles(${levels})(toUnixTimestamp64Micro(occurred_at))) AS cutoffs
     FROM audit_events
     WHERE ${OF_PARTITION} AND toUnixTimestamp64Micro(occurred_at) <= {cutoff:Int64}`,
    { params: { ...paramsOf(partition), cutoff: last }, timeoutMs: STEP_TIMEOUT_MS },
  );
  return [...new Set([...(row?.cutoffs ?? []), last])];
}

/** How many rows were there and are gone. */
async function deleteUpTo(
  clickhouse: ClickHouse,
  partition: PartitionSweep,
  cutoff: string,
): Promise<number> {
  const before = await countUpTo(clickhouse, partition, cutoff);
  if (before === 0) return 0;
  const { cluster } = clickhouse;
  await clickhouse.command(
    `DELETE FROM ${storedIn('audit_events', cluster)}${onClusterClause(cluster)}
     WHERE ${OF_PARTITION} AND toUnixTimestamp64Micro(occurred_at) <= {cutoff:Int64}`,
    {
      params: { ...paramsOf(partition), cutoff },
      settings: { lightweight_deletes_sync: 2, mutations_sync: 2 },
      timeoutMs: STEP_TIMEOUT_MS,
    },
  );
  return before - (await countUpTo(clickhouse, partition, cutoff));
}

/** ClickHouse's exception for a part that a merge, or another sweep, has taken away meanwhile. */
const NO_SUCH_PART = 232;

/** False where the part is no more: what it held is found by the steps that follow. */
async function dropPart(clickhouse: ClickHouse, name: string): Promise<boolean> {
  const { cluster } = clickhouse;
  try {
    await clickhouse.command(
      `ALTER TABLE ${storedIn('audit_events', cluster)} DROP PART {name:String}`,
      { params: { name }, timeoutMs: STEP_TIMEOUT_MS },
    );
    return true;
  } catch (error) {
    if (error instanceof ClickHouseError && error.engineCode === NO_SUCH_PART) return false;
    throw error;
  }
}

async function purge(clickhouse: ClickHouse, partition: PartitionSweep): Promise<void> {
  if (partition.mixed.length === 0) return;
  const { cluster } = clickhouse;
  await clickhouse.command(
    `ALTER TABLE ${storedIn('audit_events', cluster)}${onClusterClause(cluster)}
     APPLY DELETED MASK IN PARTITION ID {id:String}`,
    {
      params: { id: partition.partitionId },
      settings: { mutations_sync: 2 },
      timeoutMs: STEP_TIMEOUT_MS,
    },
  );
}
