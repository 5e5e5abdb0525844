import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMicros, wireInstant } from '../../schemas/index.ts';

describe('R-REC-01: when, to the microsecond', () => {
  test('property: microseconds of any year are those that the calendar says', () => {
    const range = { min: Date.UTC(1900, 0), max: Date.UTC(2255, 0) };
    fc.assert(
      fc.property(fc.integer(range), fc.integer({ min: 0, max: 999 }), (ms, micros) => {
        const expected = `${new Date(ms).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
        expect(formatMicros(ms * 1000 + micros)).toBe(expected);
      }),
    );
  });

  test('property: an offset moves the second and keeps every digit of its fraction', () => {
    const second = fc.integer({ min: Date.UTC(1901, 0) / 1000, max: Date.UTC(2299, 0) / 1000 });
    const micros = fc.integer({ min: 0, max: 999_999 });
    const minutes = fc.integer({ min: -14 * 60, max: 14 * 60 });
    fc.assert(
      fc.property(second, micros, minutes, (utc, fraction, offset) => {
        const at = (seconds: number): string =>
          `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(fraction).padStart(6, '0')}`;
        const [hour, minute] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
        const two = (n: number): string => String(n).padStart(2, '0');
        const zone = `${offset < 0 ? '-' : '+'}${two(hour)}:${two(minute)}`;
        expect(wireInstant(`${at(utc + offset * 60)}${zone}`)).toBe(`${at(utc)}Z`);
      }),
    );
  });

  test.each<[string, string | undefined]>([
    ['2026-11-22T10:00:00.123456Z', '2026-11-22T10:00:00.123456Z'],
    ['2026-11-22T10:00:00Z', '2026-11-22T10:00:00.000000Z'],
    ['2026-11-22T10:00:00.1234567Z', '2026-11-22T10:00:00.123456Z'],
    ['2026-11-22 10:00:00.123456', '2026-11-22T10:00:00.123456Z'],
    ['2026-11-22T11:00:00.5+01:00', '2026-11-22T10:00:00.500000Z'],
    ['2026-11-22T11:00:00.123456+01:00', '2026-11-22T10:00:00.123456Z'],
    ['2026-11-22T11:00:00.1234567+01:00', '2026-11-22T10:00:00.123456Z'],
    ['2026-02-30T10:00:00+01:00', undefined],
    ['2026-02-28T24:00:00+01:00', undefined],
    ['2026-02-28T10:00:00+25:00', undefined],
    ['1900-01-01T00:30:00+01:00', undefined],
    ['2299-12-31T23:30:00-01:00', undefined],
    ['2299-12-31T23:59:59.999999+00:00', '2299-12-31T23:59:59.999999Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z'],
    ['2026-02-29T00:00:00Z', undefined],
    ['2026-11-22T24:00:00Z', undefined],
    ['1899-12-31T23:59:59Z', undefined],
    ['2300-01-01T00:00:00Z', undefined],
    ['yesterday', undefined],
    ['', undefined],
  ])('%s is %s', (given, expected) => {
    expect(wireInstant(given)).toBe(expected);
  });

  test('what is no date is no instant', () => {
    expect(wireInstant(new Date(Number.NaN))).toBeUndefined();
    expect(wireInstant({} as Date)).toBeUndefined();
    expect(formatMicros(Number.NaN)).toBeUndefined();
    expect(formatMicros(Infinity)).toBeUndefined();
  });
});
