import { QueryError, type Span } from './query-error.ts';
import { instantAt, wallClock } from './time-zone.ts';

/** What times are relative to. */
export interface Clock {
  readonly nowMs: number;
  /** Of dates and times that name none: `UTC`, `Europe/Berlin`. */
  readonly timeZone: string;
}

/**
 * A stretch of time in microseconds since 1970: `2026-11` is a month, `12:30` a minute, `7d` one instant.
 * `end` is the first instant behind it.
 */
export interface When {
  readonly start: number;
  readonly end: number;
  /** A date has no time of day: `until:2026-11-05` then includes that day. */
  readonly isDate: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: MINUTE,
  h: HOUR,
  d: DAY,
  w: 7 * DAY,
};
const MONTHS: Readonly<Record<string, number>> = { mo: 1, y: 12 };

const RELATIVE = /^(\d{1,9})(s|m|h|d|w|mo|y)$/;
const DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/;
const TIME =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:?\d\d)?$/;

const FIRST_YEAR = 1970;
const LAST_YEAR = 2199;

const HINT =
  'Write a date (2026-11-01, 2026-11), a time (2026-11-01T12:00, with Z or +01:00), how long ago (30m, 12h, 7d, 2w, 3mo, 1y), now, today or yesterday.';

/** @throws QueryError for what is no time, or lies outside the years 1970 to 2199 */
export function whenOf(text: string, span: Span, clock: Clock): When {
  const ancient = /^0\d{3}(?:-|$)/.test(text);
  const when = named(text, clock) ?? ago(text, clock) ?? date(text, clock) ?? time(text, clock);
  if (when === undefined || Number.isNaN(when.start)) {
    throw new QueryError('this is no time', span, HINT);
  }
  if (ancient || when.start < 0 || when.end > Date.UTC(LAST_YEAR + 1, 0, 1) * 1000) {
    throw new QueryError(
      `a time outside the years ${FIRST_YEAR} to ${LAST_YEAR}`,
      span,
      'The ledger holds no event from there.',
    );
  }
  return when;
}

const instant = (ms: number): When => ({ start: ms * 1000, end: ms * 1000, isDate: false });

function days(wall: number, until: number, { timeZone }: Clock): When {
  const [start, end] = [instantAt(wall, timeZone), instantAt(until, timeZone)];
  return { start: start * 1000, end: end * 1000, isDate: true };
}

function named(text: string, clock: Clock): When | undefined {
  if (text === 'now') return instant(clock.nowMs);
  const back = text === 'today' ? 0 : text === 'yesterday' ? 1 : undefined;
  if (back === undefined) return undefined;
  const midnight = Math.floor(wallClock(clock.nowMs, clock.timeZone) / DAY) * DAY - back * DAY;
  return days(midnight, midnight + DAY, clock);
}

function ago(text: string, { nowMs, timeZone }: Clock): When | undefined {
  const [, count, unit = ''] = RELATIVE.exec(text) ?? [];
  if (count === undefined) return undefined;
  const months = Number(count) * (MONTHS[unit] ?? 0);
  if (months === 0) return instant(nowMs - Number(count) * (UNITS[unit] ?? 0));
  if (months > 12 * LAST_YEAR) return instant(-1);
  const wall = new Date(wallClock(nowMs, timeZone));
  const day = wall.getUTCDate();
  // The 31st of a month without one is that month's last day.
  wall.setUTCDate(1);
  wall.setUTCMonth(wall.getUTCMonth() - months);
  wall.setUTCDate(Math.min(day, daysIn(wall.getUTCFullYear(), wall.getUTCMonth())));
  return instant(instantAt(wall.getTime(), timeZone));
}

const daysIn = (year: number, month: number): number =>
  new Date(Date.UTC(year, month + 1, 0)).getUTCDate();

function date(text: string, clock: Clock): When | undefined {
  const [, year, month, day] = DATE.exec(text)?.map(Number) ?? [];
  if (year === undefined) return undefined;
  if (month === undefined || Number.isNaN(month)) {
    return days(Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1), clock);
  }
  if (day === undefined || Number.isNaN(day)) {
    if (month < 1 || month > 12) return undefined;
    return days(Date.UTC(year, month - 1, 1), Date.UTC(year, month, 1), clock);
  }
  if (!isDay(year, month, day)) return undefined;
  const midnight = Date.UTC(year, month - 1, day);
  return days(midnight, midnight + DAY, clock);
}

const isDay = (year: number, month: number, day: number): boolean =>
  month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month - 1);

function time(text: string, { timeZone }: Clock): When | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1, 6).map(Number);
  const [seconds, fraction, offset] = [match[6], match[7], match[8]];
  const second = Number(seconds ?? 0);
  if (!isDay(year, month, day) || hour > 23 || minute > 59 || second > 59) return undefined;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const ms = offset === undefined ? instantAt(wall, timeZone) : wall - offsetMs(offset);
  const start = ms * 1000 + Number((fraction ?? '').padEnd(6, '0'));
  const unit =
    seconds === undefined
      ? MINUTE * 1000
      : fraction === undefined
        ? 1_000_000
        : 10 ** (6 - fraction.length);
  return { start, end: start + unit, isDate: false };
}

function offsetMs(offset: string): number {
  if (offset === 'Z') return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(-2))];
  if (hours > 14 || minutes > 59) return Number.NaN;
  return (offset.startsWith('-') ? -1 : 1) * (hours * HOUR + minutes * MINUTE);
}
