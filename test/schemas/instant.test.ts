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

  test.each<[string, string | undefined]>([
    ['2026-11-22T10:00:00.123456Z', '2026-11-22T10:00:00.123456Z'],
    ['2026-11-22T10:00:00Z', '2026-11-22T10:00:00.000000Z'],
    ['2026-11-22T10:00:00.1234567Z', '2026-11-22T10:00:00.123456Z'],
    ['2026-11-22 10:00:00.123456', '2026-11-22T10:00:00.123456Z'],
    ['2026-11-22T11:00:00.5+01:00', '2026-11-22T10:00:00.500000Z'],
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
