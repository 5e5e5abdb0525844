import { LedgerlineError } from '../schemas/index.ts';
import type { ClickHouse } from './clickhouse.ts';

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
export function expiryExpression(classes: RetentionClasses): string {
  const entries = Object.entries(classes);
  const days = entries.map(([, count]) => count).join(', ');
  return `occurred_at + toIntervalDay(transform(retention_class, [${classNames(classes)}], [${days}], ${classes['standard']}))`;
}

/** As SQL literals: `retentionFaults` has seen to it that a name holds no quote. */
const classNames = (classes: RetentionClasses): string =>
  Object.keys(classes)
    .map((name) => `'${name}'`)
    .join(', ');

/** Reads a table's TTL back. Pure. @throws LedgerlineError `RETENTION_INVALID` where it is not ours. */
function parseExpiry(tableDefinition: string): RetentionClasses {
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
  return withoutPrototype(names.map((name, i) => [name, days[i] ?? 0]));
}

/** The retention classes of `audit_events`, from its own TTL: the one place that decides. */
export async function readRetention(
  clickhouse: ClickHouse,
  database = clickhouse.database,
): Promise<RetentionClasses> {
  const [table] = await clickhouse.query<{ definition: string }>(
    `SELECT engine_full AS definition FROM system.tables
     WHERE database = {database:String} AND name = 'audit_events'`,
    { params: { database } },
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
  const before = await readRetention(clickhouse, database);
  const after = withoutPrototype(Object.entries({ ...before, ...classes }));
  const faults = retentionFaults(after);
  if (faults.length > 0) throw retentionError(faults);
  const changed = Object.entries(after).some(([name, days]) => before[name] !== days);
  if (changed) {
    const expiry = expiryExpression(after);
    await clickhouse.command(
      `ALTER TABLE audit_events
         DROP CONSTRAINT IF EXISTS retention_class_is_known,
         ADD CONSTRAINT retention_class_is_known CHECK retention_class IN (${classNames(after)}),
         DROP CONSTRAINT IF EXISTS not_expired,
         ADD CONSTRAINT not_expired CHECK ${expiry} > now64(6),
         MODIFY TTL ${expiry}`,
      { database, settings: { materialize_ttl_after_modify: 0 } },
    );
    await clickhouse.command('ALTER TABLE audit_events MATERIALIZE TTL', { database });
  }
  return { before, after, changed };
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
