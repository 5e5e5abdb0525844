import type { ClickHouse } from '../clickhouse.ts';
import { mergedClasses, type RetentionClasses } from './classes.ts';
import { type UnfinishedErasure, unfinishedErasures } from '../erasure/record.ts';
import { type Part, readParts, rowsIn } from './parts.ts';
import { readRetentionState } from './retention.ts';

const DAY_S = 86_400;
/** The days whose events say how many a day brings. */
const RATE_DAYS = 30;
/** A part goes when the last day of its month has expired: half a month later than its middle. */
const MONTH_WAIT_DAYS = 15;

/** What is stored of one retention class, what of it goes next, and where it tends. */
export interface ClassStatus {
  readonly name: string;
  readonly days: number;
  readonly rows: number;
  /** On disk. */
  readonly bytes: number;
  /** ISO 8601; absent where nothing is stored. */
  readonly oldest: string | undefined;
  /** Still on disk although their days are over: they go with their month, or with the next sweep. */
  readonly expiredRows: number;
  /** When the oldest of those that have not expired will, and how many do so within a week of now. */
  readonly next: { readonly at: string; readonly rowsWithinWeek: number } | undefined;
  /** As the last 30 days went: what a day brings, and what the class holds once as much expires as comes. */
  readonly forecast: { readonly rowsPerDay: number; readonly bytes: number };
}

export interface RetentionStatus {
  /** By the engine's clock, ISO 8601. */
  readonly at: string;
  /** Whether what has expired is removed; false after AUDIT_TRAIL_CLEANUP_ENABLED=false. */
  readonly cleanup: boolean;
  /** Since when it is not, where that is known; ISO 8601. */
  readonly stoppedAt?: string;
  readonly classes: readonly ClassStatus[];
  readonly rows: number;
  readonly bytes: number;
  /** Erasures that have begun and not ended. */
  readonly erasures: readonly UnfinishedErasure[];
}

interface Counted {
  readonly name: string;
  readonly stored: string;
  readonly oldest: number;
  readonly recent: string;
  readonly recentDays: number;
  readonly expired: string;
  readonly soon: string;
  readonly oldestLiving: number;
}

/** How much each retention class holds, what expires next, and how much storage it tends to. */
export async function retentionStatus(clickhouse: ClickHouse): Promise<RetentionStatus> {
  const state = await readRetentionState(clickhouse);
  const { nowS, parts } = await readParts(clickhouse);
  const counted = await counts(clickhouse, state.classes, nowS);
  const classes = Object.entries(state.classes).map(([name, days]) =>
    classStatus(
      name,
      days,
      parts.filter((part) => part.retentionClass === name),
      counted.find((one) => one.name === name),
    ),
  );
  return {
    at: instant(nowS),
    cleanup: state.cleanup,
    ...(state.stoppedAt !== undefined && { stoppedAt: state.stoppedAt }),
    classes,
    rows: sum(classes.map(({ rows }) => rows)),
    bytes: sum(classes.map(({ bytes }) => bytes)),
    erasures: await unfinishedErasures(clickhouse),
  };
}

/** One pass over two columns: what each class has, got lately, and what is due; nothing of what a sweep has deleted. */
function counts(
  clickhouse: ClickHouse,
  classes: RetentionClasses,
  nowS: number,
): Promise<Counted[]> {
  const names = Object.keys(classes);
  const days = Object.values(classes);
  return clickhouse.query<Counted>(
    `WITH toDateTime64({now:UInt32}, 6, 'UTC') AS moment,
          occurred_at + toIntervalDay(transform(retention_class, {names:Array(String)}, {days:Array(UInt32)}, {standard:UInt32})) AS expires
     SELECT retention_class AS name,
            count() AS stored,
            toUnixTimestamp(min(occurred_at)) AS oldest,
            countIf(occurred_at > moment - toIntervalDay(${RATE_DAYS}) AND occurred_at <= moment) AS recent,
            dateDiff('second', minIf(occurred_at, occurred_at > moment - toIntervalDay(${RATE_DAYS})), moment) / ${DAY_S} AS recentDays,
            countIf(expires <= moment) AS expired,
            countIf(expires > moment AND expires <= moment + toIntervalDay(7)) AS soon,
            toUnixTimestamp(minIf(occurred_at, expires > moment)) AS oldestLiving
     FROM audit_events
     GROUP BY name`,
    { params: { now: nowS, names, days, standard: classes['standard'] ?? 90 } },
  );
}

function classStatus(
  name: string,
  days: number,
  parts: readonly Part[],
  counted: Counted | undefined,
): ClassStatus {
  const rows = Number(counted?.stored ?? 0);
  const bytes = sum(parts.map((part) => part.bytes));
  const recent = Number(counted?.recent ?? 0);
  // A young ledger's first hours must not be taken for thirty days.
  const over = Math.min(RATE_DAYS, Math.max(1, counted?.recentDays ?? 1));
  const rowsPerDay = recent / over;
  const bytesPerRow = rows === 0 ? 0 : bytes / rows;
  const living = Number(counted?.oldestLiving ?? 0);
  return {
    name,
    days,
    rows,
    bytes,
    oldest: counted && instant(counted.oldest),
    expiredRows: Number(counted?.expired ?? 0),
    next:
      living === 0
        ? undefined
        : { at: instant(living + days * DAY_S), rowsWithinWeek: Number(counted?.soon ?? 0) },
    forecast: {
      rowsPerDay: Math.round(rowsPerDay),
      bytes: Math.round(rowsPerDay * (days + MONTH_WAIT_DAYS) * bytesPerRow),
    },
  };
}

/** What changing a class's days would do to what is stored. */
export interface ClassPreview {
  readonly name: string;
  /** Absent where the class is new. */
  readonly before: number | undefined;
  readonly after: number;
  /** Would be expired at once, and cannot be had back. */
  readonly expiringRows: number;
  /** Of those, what goes within the hour, as whole parts; the rest goes with its month, or with the next sweep. */
  readonly goingAtOnceRows: number;
  /** On disk, of the rows that would expire; an estimate by rows. */
  readonly expiringBytes: number;
}

/**
 * What `applyRetention` with these classes would expire, and when; nothing is changed.
 *
 * @throws LedgerlineError `RETENTION_INVALID`, with every fault
 */
export async function previewRetention(
  clickhouse: ClickHouse,
  wanted: RetentionClasses,
): Promise<ClassPreview[]> {
  const state = await readRetentionState(clickhouse);
  mergedClasses(state.classes, wanted);
  const { nowS, parts } = await readParts(clickhouse);
  const changed = Object.entries(wanted).filter(([name, days]) => state.classes[name] !== days);
  const previews: ClassPreview[] = [];
  for (const [name, after] of changed) {
    const own = parts.filter((part) => part.retentionClass === name);
    const cutoffS = nowS - after * DAY_S;
    const expiring = state.cleanup ? await expiredRows(clickhouse, name, cutoffS, own) : 0;
    const whole = own.filter((part) => part.newestS < cutoffS).map((part) => part.name);
    const rows = sum(own.map((part) => part.rows));
    const bytes = sum(own.map((part) => part.bytes));
    previews.push({
      name,
      before: state.classes[name],
      after,
      expiringRows: expiring,
      goingAtOnceRows: state.cleanup ? await rowsIn(clickhouse, whole) : 0,
      expiringBytes: rows === 0 ? 0 : Math.round((bytes * expiring) / rows),
    });
  }
  return previews;
}

async function expiredRows(
  clickhouse: ClickHouse,
  retentionClass: string,
  cutoffS: number,
  parts: readonly Part[],
): Promise<number> {
  if (!parts.some((part) => part.oldestS <= cutoffS)) return 0;
  const [row] = await clickhouse.query<{ rows: string }>(
    `SELECT count() AS rows FROM audit_events
     WHERE retention_class = {name:String} AND occurred_at <= toDateTime64({cutoff:Int64}, 6, 'UTC')`,
    { params: { name: retentionClass, cutoff: cutoffS } },
  );
  return Number(row?.rows ?? 0);
}

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);

const instant = (seconds: number): string => new Date(seconds * 1000).toISOString();
