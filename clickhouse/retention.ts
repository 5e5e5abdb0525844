import { LedgerlineError } from '../schemas/index.ts';
import type { ClickHouse } from './clickhouse.ts';
import { onClusterClause, storedIn } from './cluster.ts';
import { KEPT_VIEW, keptView } from './views/kept.ts';

/** Days by retention class. */
export type RetentionClasses = Readonly<Record<string, number>>;

/** What a newly migrated table has. */
export const DEFAULT_RETENTION: RetentionClasses = { standard: 90, protected: 400, archive: 3650 };

export const MAX_RETENTION_DAYS = 36_500;

export interface RetentionChange {
  readonly before: RetentionClasses;
  readonly after: RetentionClasses;
  /** Whether the table was altered. */
  readonly changed: boolean;
}

/**
 * The moment after which a row may go; the TTL and the constraint `not_expired` both use it. It stays
 * in DateTime64, because through DateTime 36,500 days wrap round to 1990 and take the rows along.
 */
export function expiryExpression(classes: RetentionClasses, cleanup = true): string {
  const entries = Object.entries(classes);
  const days = entries.map(([, count]) => count).join(', ');
  const expiry = `occurred_at + toIntervalDay(transform(retention_class, [${classNames(classes)}], [${days}], ${classes['standard']}))`;
  return cleanup ? expiry : `${expiry} + ${STOPPED}`;
}

/**
 * Added to every expiry while cleanup is off. The classes and their days stay in the table's TTL, so
 * that they are known when it is turned on again, and nothing reaches the end of it.
 */
const STOPPED_DAYS = 36_500;
const STOPPED = `toIntervalDay(${STOPPED_DAYS})`;

/** As SQL literals: `retentionFaults` has seen to it that a name holds no quote. */
const classNames = (classes: RetentionClasses): string =>
  Object.keys(classes)
    .map((name) => `'${name}'`)
    .join(', ');

export interface RetentionState {
  readonly classes: RetentionClasses;
  /** Whether what has expired is removed: false after AUDIT_TRAIL_CLEANUP_ENABLED=false. */
  readonly cleanup: boolean;
}

const NEW_TABLE: RetentionState = { classes: DEFAULT_RETENTION, cleanup: true };

/** The days that a class's events are really kept: while cleanup is off, for as good as ever. */
export const daysInForce = ({ classes, cleanup }: RetentionState): RetentionClasses =>
  cleanup
    ? classes
    : withoutPrototype(
        Object.entries(classes).map(([name, days]) => [name, days + STOPPED_DAYS] as const),
      );

/** Reads a table's TTL back. Pure. @throws LedgerlineError `RETENTION_INVALID` where it is not ours. */
function parseExpiry(tableDefinition: string): RetentionState {
  const found = /transform\(retention_class, \[([^\]]*)\], \[([^\]]*)\], \d+\)/.exec(
    tableDefinition,
  );
  const names = found?.[1]?.split(', ').map((name) => name.slice(1, -1));
  const days = found?.[2]?.split(', ').map(Number);
  if (!names || names.length !== days?.length) {
    throw new LedgerlineError('RETENTION_INVALID', 'the TTL of audit_events is not Ledgerline’s', {
      hint: 'run `ledgerline migrate`; change retention with it, not by hand',
    });
  }
  return {
    classes: withoutPrototype(names.map((name, i) => [name, days[i] ?? 0])),
    cleanup: !tableDefinition.includes(STOPPED),
  };
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
  const { classes: before, cleanup } = await readRetentionState(clickhouse, database);
  const after = merged(before, classes);
  const changed = Object.entries(after).some(([name, days]) => before[name] !== days);
  if (changed) await alter(clickhouse, database, { classes: after, cleanup });
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
  if (changed) await alter(clickhouse, database, { classes: before.classes, cleanup });
  await settleKeptView(clickhouse, database);
  return changed;
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

const viewStatement = ({ classes, cleanup }: RetentionState, cluster: string | undefined): string =>
  keptView(expiryExpression(classes, cleanup), cluster);

const isSameState = (one: RetentionState, other: RetentionState): boolean =>
  expiryExpression(one.classes, one.cleanup) === expiryExpression(other.classes, other.cleanup);

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
  const after = merged(before.classes, classes);
  const changed = Object.entries(after).some(([name, days]) => before.classes[name] !== days);
  const state: RetentionState = { classes: after, cleanup: before.cleanup };
  // Views that a migration is yet to make begin with the days of a new table.
  const shown = (exists ? await shownState(clickhouse, database) : undefined) ?? NEW_TABLE;
  return [
    ...(changed ? retentionStatements(state, clickhouse.cluster) : []),
    ...(isSameState(shown, state) ? [] : [viewStatement(state, clickhouse.cluster)]),
  ];
}

function merged(before: RetentionClasses, classes: RetentionClasses): RetentionClasses {
  const after = withoutPrototype(Object.entries({ ...before, ...classes }));
  const faults = retentionFaults(after);
  if (faults.length > 0) throw retentionError(faults);
  return after;
}

/** What gives the table these days. Pure. */
function retentionStatements(
  { classes, cleanup }: RetentionState,
  cluster: string | undefined,
): string[] {
  const expiry = expiryExpression(classes, cleanup);
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

/** What is wrong with a set of classes, each fault with its field. Pure. */
export function retentionFaults(classes: RetentionClasses): string[] {
  const faults = Object.entries(classes).flatMap(([name, days]) => {
    const found: string[] = [];
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) {
      found.push(`classes.${name}: a class is named in lower case letters, digits and underscores`);
    }
    if (!Number.isInteger(days) || days < 1 || days > MAX_RETENTION_DAYS) {
      found.push(`classes.${name}: days are a whole number from 1 to ${MAX_RETENTION_DAYS}`);
    }
    return found;
  });
  const { archive, protected: kept } = classes;
  if (archive !== undefined && kept !== undefined && archive < kept) {
    faults.push('classes.archive: at least the days of `protected`, whose events it may hold');
  }
  return faults;
}

export function retentionError(faults: readonly string[]): LedgerlineError {
  return new LedgerlineError('RETENTION_INVALID', faults.join('; '), {
    hint: 'mend each named field of the retention file, or AUDIT_TRAIL_RETENTION_DAYS',
  });
}

/** Class names come from events as well; `constructor` is no class. */
function withoutPrototype(entries: Iterable<readonly [string, number]>): RetentionClasses {
  return Object.assign(Object.create(null) as object, Object.fromEntries(entries));
}
