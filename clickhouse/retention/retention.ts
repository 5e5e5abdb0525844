import { LedgerlineError } from '../../schemas/errors.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { onClusterClause, storedIn } from '../cluster.ts';
import { KEPT_VIEW, keptView } from '../views/kept.ts';
import {
  classNames,
  expiredBefore,
  expiryExpression,
  isSameState,
  mergedClasses,
  NEW_TABLE,
  parseExpiry,
  type RetentionClasses,
  type RetentionState,
} from './classes.ts';

export interface RetentionChange {
  readonly before: RetentionClasses;
  readonly after: RetentionClasses;
  /** Whether the table was altered. */
  readonly changed: boolean;
}

/** The retention classes of `audit_events`, from its own TTL: the one place that decides. */
export const readRetention = async (
  clickhouse: ClickHouse,
  database = clickhouse.database,
): Promise<RetentionClasses> => (await readRetentionState(clickhouse, database)).classes;

/** The same, and whether what has expired is removed at all. */
export async function readRetentionState(
  clickhouse: ClickHouse,
  database = clickhouse.database,
): Promise<RetentionState> {
  const { table, shown, nowMs } = await readStates(clickhouse, database);
  if (!table) {
    throw new LedgerlineError('RETENTION_INVALID', `there is no audit_events in ${database}`, {
      hint: 'run `ledgerline migrate` first',
    });
  }
  // The views go by the days of before until a change of them is complete, and note what had expired by then.
  const marks = shown && expiredBefore(shown, table, nowMs);
  return marks === undefined ? table : { ...table, expiredBefore: marks };
}

interface States {
  /** As the table's TTL says; `undefined` before it is there. */
  readonly table: RetentionState | undefined;
  /** What the views go by; `undefined` before they are there. */
  readonly shown: RetentionState | undefined;
  readonly nowMs: number;
}

async function readStates(clickhouse: ClickHouse, database: string): Promise<States> {
  const table = storedIn('audit_events', clickhouse.cluster);
  const rows = await clickhouse.query<{
    name: string;
    definition: string;
    comment: string;
    now: string;
  }>(
    `SELECT name, if(name = {table:String}, engine_full, create_table_query) AS definition, comment,
            toUnixTimestamp64Milli(now64(3)) AS now
     FROM system.tables WHERE database = {database:String} AND name IN ({table:String}, {view:String})`,
    { params: { database, table, view: KEPT_VIEW }, database: 'default' },
  );
  const stateOf = (which: string): RetentionState | undefined => {
    const row = rows.find(({ name }) => name === which);
    return row && parseExpiry(row.definition, row.comment);
  };
  return {
    table: stateOf(table),
    shown: stateOf(KEPT_VIEW),
    nowMs: Number(rows[0]?.now ?? Date.now()),
  };
}

/**
 * Sets the days of the given classes and leaves all others as they are: a class is never forgotten,
 * because its rows would then expire as `standard` ones.
 *
 * TTL and constraints change in one statement, so that at no moment a row is accepted that the TTL
 * would drop in silence. What has expired under the new days goes in the background, whole
 * partitions at a time. A change that was cut short is completed by the next, and by `migrate`.
 *
 * @throws LedgerlineError `RETENTION_INVALID`, with every fault.
 *
 * @example
 * await applyRetention(clickhouse, { standard: 30, gateway_reads: 7 });
 */
export async function applyRetention(
  clickhouse: ClickHouse,
  classes: RetentionClasses,
  database = clickhouse.database,
): Promise<RetentionChange> {
  const state = await readRetentionState(clickhouse, database);
  const { classes: before } = state;
  const after = mergedClasses(before, classes);
  const changed = Object.entries(after).some(([name, days]) => before[name] !== days);
  if (changed) await alter(clickhouse, database, { ...state, classes: after });
  await settleRetention(clickhouse, database, changed);
  return { before, after, changed };
}

/**
 * Stops all expiry, or lets it go on: with what has expired meanwhile, at once. While it is stopped,
 * late events of any age are taken, since nothing would drop them.
 *
 * @returns whether the table was altered
 */
export async function setCleanup(
  clickhouse: ClickHouse,
  cleanup: boolean,
  database = clickhouse.database,
): Promise<boolean> {
  const before = await readRetentionState(clickhouse, database);
  const changed = before.cleanup !== cleanup;
  const { classes } = before;
  const after = cleanup
    ? { classes, cleanup }
    : { classes, cleanup, stoppedAt: await engineTime(clickhouse) };
  if (changed) await alter(clickhouse, database, after);
  await settleRetention(clickhouse, database, changed);
  return changed;
}

async function engineTime(clickhouse: ClickHouse): Promise<string> {
  const [row] = await clickhouse.query<{ now: number }>('SELECT toUnixTimestamp(now()) AS now', {
    database: 'default',
  });
  return new Date((row?.now ?? 0) * 1000).toISOString();
}

/**
 * Lets what is stored go by the table's days, and then the analysts' views: where these show other days, a change
 * was cut short. A database that has no views yet has none to settle.
 *
 * @param altered the table's days have just been changed
 */
export async function settleRetention(
  clickhouse: ClickHouse,
  database: string,
  altered = false,
): Promise<void> {
  const { table, shown, nowMs } = await readStates(clickhouse, database);
  if (!table) return;
  const lags = shown !== undefined && !isSameState(shown, table);
  const { cluster } = clickhouse;
  await run(clickhouse, database, [
    ...(altered || lags ? [materializeStatement(cluster)] : []),
    ...(lags ? [viewStatement(shown, table, nowMs, cluster)] : []),
  ]);
}

const alter = (clickhouse: ClickHouse, database: string, state: RetentionState): Promise<void> =>
  run(clickhouse, database, [alterStatement(state, clickhouse.cluster)]);

/** On a cluster every node has to answer. */
const ALTER_TIMEOUT_MS = 120_000;

async function run(
  clickhouse: ClickHouse,
  database: string,
  statements: readonly string[],
): Promise<void> {
  for (const statement of statements) {
    await clickhouse.command(statement, {
      database,
      timeoutMs: ALTER_TIMEOUT_MS,
      settings: { materialize_ttl_after_modify: 0 },
    });
  }
}

/**
 * What `applyRetention` would run, and nothing of it done.
 *
 * @param exists whether the table is there yet; a new one has the days of `DEFAULT_RETENTION`
 */
export async function plannedRetention(
  clickhouse: ClickHouse,
  classes: RetentionClasses,
  database: string,
  exists: boolean,
): Promise<string[]> {
  const { table, shown, nowMs } = exists ? await readStates(clickhouse, database) : NOTHING_YET;
  const before = table ?? NEW_TABLE;
  const after = mergedClasses(before.classes, classes);
  const changed = Object.entries(after).some(([name, days]) => before.classes[name] !== days);
  const state: RetentionState = { ...before, classes: after };
  // Views that a migration is yet to make begin with the days of a new table.
  const shownThen = shown ?? NEW_TABLE;
  return [
    ...(changed ? [alterStatement(state, clickhouse.cluster)] : []),
    ...(isSameState(shownThen, state)
      ? []
      : [
          materializeStatement(clickhouse.cluster),
          viewStatement(shownThen, state, nowMs, clickhouse.cluster),
        ]),
  ];
}

const NOTHING_YET: States = { table: undefined, shown: undefined, nowMs: 0 };

/** What gives the table these days. Pure. */
function alterStatement(state: RetentionState, cluster: string | undefined): string {
  const { classes } = state;
  const expiry = expiryExpression(state);
  return `ALTER TABLE ${tableOn(cluster)}
         DROP CONSTRAINT IF EXISTS retention_class_is_known,
         ADD CONSTRAINT retention_class_is_known CHECK retention_class IN (${classNames(classes)}),
         DROP CONSTRAINT IF EXISTS not_expired,
         ADD CONSTRAINT not_expired CHECK ${expiry} > now64(6),
         MODIFY TTL ${expiry}`;
}

/** What lets stored parts go by the table's days. Pure. */
const materializeStatement = (cluster: string | undefined): string =>
  `ALTER TABLE ${tableOn(cluster)} MATERIALIZE TTL`;

/** What makes a change of the table's days complete: views that go by them, and note what had expired before. Pure. */
function viewStatement(
  shown: RetentionState,
  { classes, cleanup, stoppedAt }: RetentionState,
  nowMs: number,
  cluster: string | undefined,
): string {
  const after = { classes, cleanup, ...(stoppedAt !== undefined && { stoppedAt }) };
  const marks = expiredBefore(shown, after, nowMs);
  return keptView(marks === undefined ? after : { ...after, expiredBefore: marks }, cluster);
}

const tableOn = (cluster: string | undefined): string =>
  `${storedIn('audit_events', cluster)}${onClusterClause(cluster)}`;
