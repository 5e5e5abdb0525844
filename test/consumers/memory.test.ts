/**
 * R-DLV-03: what a worker holds while ClickHouse is away. Fetches of any size for whichever partitions may
 * fetch, with nothing ever stored: the bound of docs/delivery.md, "What is held in memory", is kept.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backlog } from '../../consumers/backlog.ts';
import { ChunkPool } from '../../consumers/chunk-pool.ts';
import { type Holding, mayFetch } from '../../consumers/may-fetch.ts';

const KIB = 1024;
const LIMITS = { bufferBytes: 256 * KIB, batchBytes: 64 * KIB };
/** Of one partition, as Kafka is asked for; a single larger message comes all the same. */
const FETCH_BYTES = 32 * KIB;

interface Partition {
  readonly backlog: Backlog;
  /** Last offset of an earlier owner's batch; -1 when there is none. */
  readonly rebuildThrough: number;
}

const holdingOf = ({ backlog, rebuildThrough }: Partition, partition: number): Holding => ({
  partition,
  heldBytes: backlog.heldBytes,
  waitingBytes: backlog.bytes,
  mustFetch: backlog.next <= rebuildThrough,
});

function fetch({ backlog }: Partition, messageBytes: number): void {
  const count = Math.max(1, Math.floor(FETCH_BYTES / messageBytes));
  const value = Buffer.alloc(messageBytes, 'x');
  const messages = Array.from({ length: count }, (_, index) => ({
    offset: String(backlog.next + index),
    timestamp: '0',
    key: null,
    value,
  }));
  backlog.append(messages, backlog.next + count - 1, 0);
}

const heldBy = (partitions: readonly Partition[]): number =>
  partitions.reduce((sum, { backlog }) => sum + backlog.heldBytes, 0);

/** Rounds of fetches until nobody may fetch any more; what is held then, and at most. */
function fill(partitions: readonly Partition[], sizes: readonly number[]): number {
  let most = 0;
  for (let round = 0; round < 2_000; round++) {
    const allowed = mayFetch(partitions.map(holdingOf), LIMITS);
    if (allowed.size === 0) break;
    // One response for all that may: they are asked for in one request.
    for (const partition of allowed) {
      const one = partitions[partition];
      if (one) fetch(one, sizes[(round + partition) % sizes.length] ?? 1);
    }
    most = Math.max(most, heldBy(partitions));
  }
  return most;
}

const open = (rebuildThrough: number): Partition => ({
  backlog: new Backlog(new ChunkPool(0), 0, 64 * KIB),
  rebuildThrough,
});

const messageSizes = fc.array(fc.integer({ min: 1, max: 16 * KIB }), {
  minLength: 1,
  maxLength: 8,
});

describe('what is held while ClickHouse is away (R-DLV-03)', () => {
  it('is the buffer and one response of Kafka at most, however many partitions there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), messageSizes, (count, sizes) => {
        const partitions = Array.from({ length: count }, () => open(-1));
        const most = fill(partitions, sizes);
        // A response holds some bytes of bookkeeping a message, which count as well.
        const perMessage = 1 + 160 / Math.min(...sizes);
        expect(most).toBeLessThanOrEqual(
          LIMITS.bufferBytes + count * FETCH_BYTES * perMessage + 16 * KIB,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('and beyond it the one range that is just rebuilt, not one for each partition', () => {
    const rangeRows = 100;
    const messageBytes = KIB;
    const rangeBytes = rangeRows * (messageBytes + 160);
    const partitions = Array.from({ length: 24 }, () => open(rangeRows - 1));
    const most = fill(partitions, [messageBytes]);
    expect(most).toBeLessThanOrEqual(
      LIMITS.bufferBytes + rangeBytes + partitions.length * FETCH_BYTES * 1.2,
    );
    // All of them at once would be this much.
    expect(most).toBeLessThan(partitions.length * rangeBytes);
  });

  it('control: partitions that fetch without asking hold whatever Kafka has', () => {
    const partitions = Array.from({ length: 8 }, () => open(-1));
    for (let round = 0; round < 40; round++) for (const one of partitions) fetch(one, 4 * KIB);
    expect(heldBy(partitions)).toBeGreaterThan(10 * LIMITS.bufferBytes);
  });
});
