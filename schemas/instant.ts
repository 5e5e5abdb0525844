/**
 * Instants as the wire writes them: ISO 8601, UTC, six fractional digits. ClickHouse keeps
 * 1900-01-01 to 2299-12-31 and silently bends what lies outside, so that is no instant here.
 */

/** The wire's own form on a day that every month has. */
const WIRE =
  /^(?:19|2[0-2])\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;
const YEARS = /^(?:19|2[0-2])/;
const ISO = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z?|[+-]\d\d:\d\d)$/;

/** 1900-01-01T00:00:00Z and 2300-01-01T00:00:00Z in seconds. */
const MIN_SECOND = -2_208_988_800;
const END_SECOND = 10_413_792_000;

const THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => n.toString().padStart(3, '0'));
const three = (n: number): string => THREE_DIGITS[n] as string;

let second = Number.NaN;
let secondText = '';

/**
 * Microseconds since 1970-01-01T00:00:00Z as the wire writes them. The text of the second is kept,
 * since events come many to the second. `undefined` when not finite or outside the years 1900–2299.
 *
 * @example
 * formatMicros(1_795_341_600_123_456); // '2026-11-22T10:00:00.123456Z'
 */
export function formatMicros(epochMicros: number): string | undefined {
  const whole = Math.floor(epochMicros / 1_000_000);
  if (whole !== second) {
    if (!(whole >= MIN_SECOND && whole < END_SECOND)) return undefined;
    secondText = new Date(whole * 1000).toISOString().slice(0, 20);
    second = whole;
  }
  const micros = Math.floor(epochMicros - whole * 1_000_000);
  const millis = Math.floor(micros / 1000);
  return secondText + three(millis) + three(micros - millis * 1000) + 'Z';
}

/**
 * What {@link formatMicros} has written, as microseconds since 1970-01-01T00:00:00Z.
 *
 * @example
 * readMicros('2026-11-22T10:00:00.123456Z'); // 1_795_341_600_123_456
 */
export const readMicros = (wire: string): number =>
  Date.parse(`${wire.slice(0, 19)}Z`) * 1000 + Number(wire.slice(20, 26));

/**
 * A Date, or ISO 8601 text in UTC or with an offset, as the wire writes it; digits beyond the
 * microsecond are cut off. `undefined`: it is no instant, or outside the years 1900–2299.
 *
 * @example
 * wireInstant('2026-11-22T11:00:00.5+01:00'); // '2026-11-22T10:00:00.500000Z'
 */
export function wireInstant(value: string | Date): string | undefined {
  if (typeof value !== 'string') return formatMicros(dateMs(value) * 1000);
  if (WIRE.test(value)) return value;
  const [, day, time, fraction = '', offset = ''] = ISO.exec(value) ?? [];
  const local = `${day}T${time}`;
  if (!isDay(local)) return undefined;
  const utc = offset === '' || offset === 'Z' ? local : shifted(local, offset);
  // The fraction is copied: a Date has only milliseconds.
  return YEARS.test(utc) ? `${utc}.${fraction.slice(0, 6).padEnd(6, '0')}Z` : undefined;
}

/** Whether the text comes back from the calendar as it went in: no 30 February, no 25 o'clock. */
function isDay(text: string): boolean {
  const ms = Date.parse(`${text}Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** The same second in UTC; empty for an offset that no clock has. */
function shifted(local: string, offset: string): string {
  const ms = Date.parse(local + offset);
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString().slice(0, 19);
}

function dateMs(value: Date): number {
  try {
    return Date.prototype.getTime.call(value);
  } catch {
    return Number.NaN; // not a Date, whatever its type says
  }
}
