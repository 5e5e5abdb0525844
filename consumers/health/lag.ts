/** How far a partition is behind: in offsets, and in seconds. Pure; the time is passed in. */
import type { PartitionFigures } from '../runner-context.ts';

type Figures = Pick<PartitionFigures, 'partition' | 'committed' | 'high' | 'oldestMs'>;

/** @param askedHigh what the broker said when it was last asked; a paused partition hears of nothing new */
export const lagOffsets = ({ committed, high }: Figures, askedHigh: number): number =>
  Math.max(0, Math.max(high, askedHigh) - committed);

/**
 * The age of the oldest message that is not stored is known while it is in memory. While none is (it is
 * about to be fetched, or may not be), it counts from when the partition was first seen behind.
 */
export class LagClock {
  readonly #behindSince = new Map<number, { readonly committed: number; readonly ms: number }>();

  lagSeconds(figures: Figures, askedHigh: number, nowMs: number): number {
    const { partition, committed, oldestMs } = figures;
    if (lagOffsets(figures, askedHigh) === 0) {
      this.#behindSince.delete(partition);
      return 0;
    }
    let seen = this.#behindSince.get(partition);
    if (seen?.committed !== committed) {
      seen = { committed, ms: nowMs };
      this.#behindSince.set(partition, seen);
    }
    return Math.max(0, nowMs - (oldestMs ?? seen.ms)) / 1000;
  }
}
