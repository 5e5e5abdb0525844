import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flushAgeMs, type FlushLimits, type Traffic } from '../../consumers/flush-age.ts';

const DEFAULTS: FlushLimits = { minMs: 700, maxMs: 5_000, insertsPerMinute: 360 };
const traffic = (more: Partial<Traffic>): Traffic => ({
  busy: 0,
  owned: 4,
  partitions: 4,
  heldBytes: 0,
  bufferBytes: 72 * 1024 * 1024,
  ...more,
});

const anyLimits = fc.record({
  minMs: fc.integer({ min: 10, max: 60_000 }),
  maxMs: fc.integer({ min: 10, max: 60_000 }),
  insertsPerMinute: fc.integer({ min: 1, max: 100_000 }),
});
const anyTraffic = fc
  .record({
    partitions: fc.integer({ min: 1, max: 1_000 }),
    ownedShare: fc.double({ min: 0, max: 1, noNaN: true }),
    busyShare: fc.double({ min: 0, max: 1, noNaN: true }),
    held: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ partitions, ownedShare, busyShare, held }) => {
    const owned = Math.round(partitions * ownedShare);
    return traffic({
      partitions,
      owned,
      busy: Math.round(owned * busyShare),
      heldBytes: held * 72 * 1024 * 1024,
    });
  });

describe('the age at which a batch leaves (R-DLV-04)', () => {
  it.each([
    ['one busy partition of four', traffic({ busy: 1 }), 700],
    ['four of four', traffic({ busy: 4 }), 700],
    ['two of four, the other two another worker’s', traffic({ busy: 2, owned: 2 }), 700],
    ['one of sixty-four, the others silent', traffic({ busy: 1, owned: 64, partitions: 64 }), 700],
    ['twelve of twelve', traffic({ busy: 12, owned: 12, partitions: 12 }), 2_000],
    [
      'six of twelve, the others another worker’s',
      traffic({ busy: 6, owned: 6, partitions: 12 }),
      2_000,
    ],
    ['sixty-four of sixty-four', traffic({ busy: 64, owned: 64, partitions: 64 }), 5_000],
    ['no partition at all', traffic({ owned: 0 }), 700],
  ])('%s', (_, given, ms) => {
    expect(flushAgeMs(given, DEFAULTS)).toBe(ms);
  });

  it('is the shortest when the buffer fills: batches leave by size then', () => {
    const full = traffic({ busy: 64, owned: 64, partitions: 64, heldBytes: 18 * 1024 * 1024 });
    expect(flushAgeMs(full, DEFAULTS)).toBe(700);
  });

  it('is never shorter than the shortest, nor longer than the longest', () => {
    fc.assert(
      fc.property(anyTraffic, anyLimits, (given, limits) => {
        const age = flushAgeMs(given, limits);
        expect(age).toBeGreaterThanOrEqual(limits.minMs);
        expect(age).toBeLessThanOrEqual(Math.max(limits.minMs, limits.maxMs));
      }),
    );
  });

  it('keeps all workers together within the inserts per minute, as far as the longest age allows', () => {
    fc.assert(
      fc.property(anyTraffic, anyLimits, (given, limits) => {
        fc.pre(given.heldBytes < given.bufferBytes / 4 && given.owned > 0);
        const age = flushAgeMs(given, limits);
        const everywhere = given.busy * (given.partitions / given.owned);
        const perMinute = (everywhere * 60_000) / age;
        const asSlowAsAllowed = age >= limits.maxMs;
        // Half a millisecond of rounding.
        expect(asSlowAsAllowed || perMinute <= limits.insertsPerMinute * (1 + 1 / age)).toBe(true);
      }),
    );
  });

  it('does not shrink when more partitions become busy', () => {
    fc.assert(
      fc.property(anyTraffic, anyLimits, (given, limits) => {
        const more = flushAgeMs({ ...given, busy: given.busy + 1 }, limits);
        expect(more).toBeGreaterThanOrEqual(flushAgeMs(given, limits));
      }),
    );
  });
});
