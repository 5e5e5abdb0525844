import { LedgerlineError } from '../../schemas/errors.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { onClusterClause, storedIn } from '../cluster.ts';
import { KEPT_VIEW, keptView } from '../views/kept.ts';
import {
  classNames,
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
  const [table] = await clickhouse.query<{ definition: string }>(
    `SELECT engine_full AS definition FROM system.tables
     WHERE database = {database:String} AND name = {table:String}`,
    { params: { database, table: storedIn('audit_events', clickhouse.cluster) } },
  );
  if (!table) {
    throw new LedgerlineError('RETENTION_INVALID', `there is no audit_events in ${database}`, {
      hint: 'run `ledgerline migrate` first',
    });
  }
  return parseExpiry(table.definition);
}

/**
 * Sets the days of the given classes and leaves all others as they are: a class is never forgotten,
 * because its rows would then expire as `standard` ones.
 *
 * TTL and constraints change in one statement, so that at no moment a row is accepted that the TTL
 * would drop in silence. What has expired under the new days goes in the background, whole
 * partitions at a time.
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
  await settleKeptView(clickhouse, database);
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
  await settleKeptView(clickhouse, database);
  return changed;
}

async function engineTime(clickhouse: ClickHouse): Promise<string> {
  const [row] = await clickhouse.query<{ now: number }>('SELECT toUnixTimestamp(now()) AS now', {
    database: 'default',
  });
  return new Date((row?.now ?? 0) * 1000).toISOString();
}

/**
 * Gives the analysts' views the days of the table where they show others: after every change, and after
 * one that was cut short between the two. A database that has no views yet is left as it is.
 */
export async function settleKeptView(clickhouse: ClickHouse, database: string): Promise<void> {
  const shown = await shownState(clickhouse, database);
  if (shown === undefined) return;
  const state = await readRetentionState(clickhouse, database);
  if (isSameState(shown, state)) return;
  await clickhouse.command(viewStatement(state, clickhouse.cluster), { database });
}

/** The days that the views go by; `undefined` before they are there. */
async function shownState(
  clickhouse: ClickHouse,
  database: string,
): Promise<RetentionState | undefined> {
  const [view] = await clickhouse.query<{ definition: string }>(
    `SELECT create_table_query AS definition FROM system.tables
     WHERE database = {database:String} AND name = {view:String}`,
    { params: { database, view: KEPT_VIEW }, database: 'default' },
  );
  return view && parseExpiry(view.definition);
}

const viewStatement = (state: RetentionState, cluster: string | undefined): string =>
  keptView(expiryExpression(state), cluster);

async function alter(
  clickhouse: ClickHouse,
  database: string,
  state: RetentionState,
): Promise<void> {
  for (const statement of retentionStatements(state, clickhouse.cluster)) {
    await clickhouse.command(statement, {
      database,
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
  const before = exists ? await readRetentionState(clickhouse, database) : NEW_TABLE;
  const after = mergedClasses(before.classes, classes);
  const changed = Object.entries(after).some(([name, days]) => before.classes[name] !== days);
  const state: RetentionState = { ...before, classes: after };
  // Views that a migration is yet to make begin with the days of a new table.
  const shown = (exists ? await shownState(clickhouse, database) : undefined) ?? NEW_TABLE;
  return [
    ...(changed ? retentionStatements(state, clickhouse.cluster) : []),
    ...(isSameState(shown, state) ? [] : [viewStatement(state, clickhouse.cluster)]),
  ];
}

/** What gives the table these days. Pure. */
function retentionStatements(state: RetentionState, cluster: string | undefined): string[] {
  const { classes } = state;
  const expiry = expiryExpression(state);
  const table = `${storedIn('audit_events', cluster)}${onClusterClause(cluster)}`;
  return [
    `ALTER TABLE ${table}
         DROP CONSTRAINT IF EXISTS retention_class_is_known,
         ADD CONSTRAINT retention_class_is_known CHECK retention_class IN (${classNames(classes)}),
         DROP CONSTRAINT IF EXISTS not_expired,
         ADD CONSTRAINT not_expired CHECK ${expiry} > now64(6),
         MODIFY TTL ${expiry}`,
    `ALTER TABLE ${table} MATERIALIZE TTL`,
  ];
}
