import { z } from 'zod';
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
export const classNames = (classes: Readonly<Record<string, unknown>>): string =>
  Object.keys(classes)
    .map((name) => `'${name}'`)
    .join(', ');

export interface RetentionState {
  readonly classes: RetentionClasses;
  /** Whether what has expired is removed: false after AUDIT_TRAIL_CLEANUP_ENABLED=false. */
  readonly cleanup: boolean;
  /** Since when it is not, ISO 8601; absent for tables whose cleanup an earlier version has stopped. */
  readonly stoppedAt?: string;
  /**
   * By class, of those whose days were fewer once: up to when its events had expired by then, ISO 8601. What
   * occurred earlier may be gone, though the days in force now would keep it.
   */
  readonly expiredBefore?: Readonly<Record<string, string>>;
}

export const NEW_TABLE: RetentionState = { classes: DEFAULT_RETENTION, cleanup: true };

/** The days that a class's events are really kept: while cleanup is off, for as good as ever. */
export const daysInForce = ({ classes, cleanup }: RetentionState): RetentionClasses =>
  cleanup
    ? classes
    : withoutPrototype(
        Object.entries(classes).map(([name, days]) => [name, days + STOPPED_DAYS] as const),
      );

/**
 * What had expired by the days of before, and would not have by those of after: what was noted of it already, as far
 * as that still matters, and what this change adds. Pure.
 */
export function expiredBefore(
  before: RetentionState,
  after: RetentionState,
  nowMs: number,
): RetentionState['expiredBefore'] {
  const was = daysInForce(before);
  const marks = Object.entries(daysInForce(after)).flatMap(([name, days]) => {
    const mark = Math.max(
      nowMs - (was[name] ?? Infinity) * DAY_MS,
      timeOf(before.expiredBefore?.[name]),
      timeOf(before.stoppedAt) - (before.classes[name] ?? Infinity) * DAY_MS,
    );
    return mark > nowMs - days * DAY_MS ? [[name, new Date(mark).toISOString()] as const] : [];
  });
  return marks.length === 0 ? undefined : Object.fromEntries(marks);
}

const DAY_MS = 86_400_000;

const timeOf = (time: string | undefined): number =>
  time === undefined ? -Infinity : Date.parse(time);

/** What is noted beside the days that the views go by: their comment. Pure. */
export const noteOf = ({ expiredBefore: marks }: RetentionState): string =>
  marks === undefined ? '' : JSON.stringify({ expiredBefore: marks });

const NOTE = z.object({ expiredBefore: z.record(z.string(), z.iso.datetime()) });

/** Somebody else's comment notes nothing. */
function parseNote(comment: string): RetentionState['expiredBefore'] {
  if (!comment.startsWith('{')) return undefined;
  try {
    return NOTE.safeParse(JSON.parse(comment)).data?.expiredBefore;
  } catch {
    return undefined;
  }
}

/**
 * Reads back what a table or a view goes by: its TTL or condition, and its comment. Pure.
 *
 * @throws LedgerlineError `RETENTION_INVALID` where it is not ours
 */
export function parseExpiry(tableDefinition: string, comment = ''): RetentionState {
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
  const marks = parseNote(comment);
  const [, day, time] =
    /toDateTime64\('(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)', 6, 'UTC'\)\) \+ toIntervalDay/.exec(
      tableDefinition,
    ) ?? [];
  return {
    classes: withoutPrototype(names.map((name, i) => [name, days[i] ?? 0])),
    cleanup: !tableDefinition.includes(STOPPED),
    ...(day !== undefined && { stoppedAt: `${day}T${time}Z` }),
    ...(marks && { expiredBefore: marks }),
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
