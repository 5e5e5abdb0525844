import { LedgerlineError } from '../../schemas/errors.ts';

/** Days by retention class. */
export type RetentionClasses = Readonly<Record<string, number>>;

/** What a newly migrated table has. */
export const DEFAULT_RETENTION: RetentionClasses = { standard: 90, protected: 400, archive: 3650 };

export const MAX_RETENTION_DAYS = 36_500;

/**
 * The moment after which a row may go; the TTL and the constraint `not_expired` both use it. It stays
 * in DateTime64, because through DateTime 36,500 days wrap round to 1990 and take the rows along. While cleanup is
 * off, that is a hundred years later, and since when it is off stands in it as well: nothing goes before its own day,
 * nor before a hundred years from that moment.
 */
export function expiryExpression({
  classes,
  cleanup,
  stoppedAt,
}: Pick<RetentionState, 'classes'> & Partial<RetentionState>): string {
  const entries = Object.entries(classes);
  const days = entries.map(([, count]) => count).join(', ');
  const expiry = `occurred_at + toIntervalDay(transform(retention_class, [${classNames(classes)}], [${days}], ${classes['standard']}))`;
  if (cleanup !== false) return expiry;
  return stoppedAt === undefined
    ? `${expiry} + ${STOPPED}`
    : `greatest(${expiry}, toDateTime64('${secondsOf(stoppedAt)}', 6, 'UTC')) + ${STOPPED}`;
}

/** `2026-11-12 09:14:05`, as the engine writes it. */
const secondsOf = (time: string): string =>
  new Date(time).toISOString().slice(0, 19).replace('T', ' ');

/**
 * Added to every expiry while cleanup is off. The classes and their days stay in the table's TTL, so
 * that they are known when it is turned on again, and nothing reaches the end of it.
 */
const STOPPED_DAYS = 36_500;
const STOPPED = `toIntervalDay(${STOPPED_DAYS})`;

/** As SQL literals: `retentionFaults` has seen to it that a name holds no quote. */
export const classNames = (classes: RetentionClasses): string =>
  Object.keys(classes)
    .map((name) => `'${name}'`)
    .join(', ');

export interface RetentionState {
  readonly classes: RetentionClasses;
  /** Whether what has expired is removed: false after AUDIT_TRAIL_CLEANUP_ENABLED=false. */
  readonly cleanup: boolean;
  /** Since when it is not, ISO 8601; absent for tables whose cleanup an earlier version has stopped. */
  readonly stoppedAt?: string;
}

export const NEW_TABLE: RetentionState = { classes: DEFAULT_RETENTION, cleanup: true };

/** The days that a class's events are really kept: while cleanup is off, for as good as ever. */
export const daysInForce = ({ classes, cleanup }: RetentionState): RetentionClasses =>
  cleanup
    ? classes
    : withoutPrototype(
        Object.entries(classes).map(([name, days]) => [name, days + STOPPED_DAYS] as const),
      );

/** Reads a table's TTL back. Pure. @throws LedgerlineError `RETENTION_INVALID` where it is not ours. */
export function parseExpiry(tableDefinition: string): RetentionState {
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
  const [, day, time] =
    /toDateTime64\('(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)', 6, 'UTC'\)\) \+ toIntervalDay/.exec(
      tableDefinition,
    ) ?? [];
  return {
    classes: withoutPrototype(names.map((name, i) => [name, days[i] ?? 0])),
    cleanup: !tableDefinition.includes(STOPPED),
    ...(day !== undefined && { stoppedAt: `${day}T${time}Z` }),
  };
}

/** Whether they give a table the same TTL. Pure. */
export const isSameState = (one: RetentionState, other: RetentionState): boolean =>
  expiryExpression(one) === expiryExpression(other);

/**
 * Classes with those that are named instead of what they were. Pure.
 *
 * @throws LedgerlineError `RETENTION_INVALID`, with every fault
 */
export function mergedClasses(
  before: RetentionClasses,
  classes: RetentionClasses,
): RetentionClasses {
  const after = withoutPrototype(Object.entries({ ...before, ...classes }));
  const faults = retentionFaults(after);
  if (faults.length > 0) throw retentionError(faults);
  return after;
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
