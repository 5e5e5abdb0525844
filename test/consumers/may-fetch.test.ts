import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Holding, mayFetch } from '../../consumers/may-fetch.ts';

const limits = { bufferBytes: 80, batchBytes: 20 };
const holding = (
  partition: number,
  waitingBytes: number,
  inFlight = 0,
  mustFetch = false,
): Holding => ({
  partition,
  waitingBytes,
  heldBytes: waitingBytes + inFlight,
  mustFetch,
});
const allowed = (...holdings: Holding[]): number[] =>
  [...mayFetch(holdings, limits)].sort((a, b) => a - b);

describe('which partitions may fetch (R-DLV-03: memory is bounded)', () => {
  it('all, while memory is plenty', () => {
    expect(allowed(holding(0, 5), holding(1, 10), holding(2, 0))).toEqual([0, 1, 2]);
  });

  it('not one in which a full batch waits', () => {
    expect(allowed(holding(0, 20), holding(1, 10))).toEqual([1]);
  });

  it('once half of it is used, one at a time: the fullest, so that a batch can leave', () => {
    expect(allowed(holding(0, 10), holding(1, 15), holding(2, 10), holding(3, 5))).toEqual([1]);
    expect(allowed(holding(0, 10), holding(1, 20), holding(2, 11), holding(3, 5))).toEqual([2]);
  });

  it('none, when it is used up', () => {
    expect(allowed(holding(0, 10, 20), holding(1, 10, 20), holding(2, 20))).toEqual([]);
  });

  it('but one that has to rebuild an earlier owner’s batch, whose size is not ours to choose, when nothing else can leave', () => {
    expect(allowed(holding(0, 90, 0, true), holding(1, 0))).toEqual([0]);
    expect(allowed(holding(0, 60, 0, true), holding(1, 20))).toEqual([]);
  });

  it('and of several such only one when memory is used up: the one that is furthest', () => {
    const rebuilding = (partition: number, bytes: number) => holding(partition, bytes, 0, true);
    expect(allowed(rebuilding(0, 30), rebuilding(1, 45), rebuilding(2, 10))).toEqual([1]);
    expect(allowed(rebuilding(0, 10), rebuilding(1, 15), rebuilding(2, 10))).toEqual([0, 1, 2]);
  });

  it('and never so that all stand still while nothing is full and nothing on its way', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(19), { minLength: 1, maxLength: 4 }), (waiting) => {
        const holdings = waiting.map((bytes, partition) => holding(partition, bytes));
        expect(mayFetch(holdings, limits).size).toBeGreaterThan(0);
      }),
    );
  });
});
