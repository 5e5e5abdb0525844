import { FILTER_CAUSES, type FilterCause } from './policy/decision.ts';
import { REJECT_CAUSES, type RejectCause } from './receipt.ts';

/** Why an event that was accepted did not reach Kafka. */
export const LOSS_CAUSES = ['too_large', 'refused', 'abandoned'] as const;
export type LossCause = (typeof LOSS_CAUSES)[number];

/**
 * What became of the events of one category, or of all. At every moment
 * `emitted = accepted + prepared + filtered + rejected` and `accepted = stored + lost + pending`.
 */
export interface Counts {
  readonly emitted: number;
  readonly accepted: number;
  /** Handed to the caller by `prepare`; what becomes of them is not this ledger's to know. */
  readonly prepared: number;
  readonly stored: number;
  /** In memory or in the spool, not yet in Kafka. */
  readonly pending: number;
  readonly filtered: Readonly<Record<FilterCause, number>>;
  readonly rejected: Readonly<Record<RejectCause, number>>;
  /**
   * `too_large` for the topic; `refused` by Kafka for another reason that will not pass;
   * `abandoned`: still undelivered when the ledger closed, and not on disk.
   */
  readonly lost: Readonly<Record<LossCause, number>>;
}

const zeroes = <Cause extends string>(causes: readonly Cause[]): Record<Cause, number> =>
  Object.fromEntries(causes.map((cause) => [cause, 0])) as Record<Cause, number>;

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Counts one category. Its fields are bumped in place, since `emit` does so each time. */
export class Tally {
  accepted = 0;
  prepared = 0;
  stored = 0;
  readonly filtered = zeroes(FILTER_CAUSES);
  readonly rejected = zeroes(REJECT_CAUSES);
  readonly lost = zeroes(LOSS_CAUSES);

  snapshot(): Counts {
    const { accepted, prepared, stored } = this;
    const filtered = { ...this.filtered };
    const rejected = { ...this.rejected };
    const lost = { ...this.lost };
    return {
      emitted: accepted + prepared + sum(filtered) + sum(rejected),
      accepted,
      prepared,
      stored,
      pending: accepted - stored - sum(lost),
      filtered,
      rejected,
      lost,
    };
  }

  add(other: Tally): void {
    this.accepted += other.accepted;
    this.prepared += other.prepared;
    this.stored += other.stored;
    for (const cause of FILTER_CAUSES) this.filtered[cause] += other.filtered[cause];
    for (const cause of REJECT_CAUSES) this.rejected[cause] += other.rejected[cause];
    for (const cause of LOSS_CAUSES) this.lost[cause] += other.lost[cause];
  }
}

/** One tally for each category, made when first asked for. */
export class Counters {
  readonly #byCategory = new Map<string, Tally>();

  of(category: string): Tally {
    let tally = this.#byCategory.get(category);
    if (tally === undefined) {
      tally = new Tally();
      this.#byCategory.set(category, tally);
    }
    return tally;
  }

  total(): Counts {
    const total = new Tally();
    for (const tally of this.#byCategory.values()) total.add(tally);
    return total.snapshot();
  }

  byCategory(): Record<string, Counts> {
    return Object.fromEntries(
      [...this.#byCategory].map(([category, tally]) => [category, tally.snapshot()]),
    );
  }
}

/** Of some counts, why events were not stored: by cause, the causes that occurred. */
export function notStored({ filtered, rejected, lost }: Counts): Record<string, number> {
  const causes = Object.entries({ ...filtered, ...rejected, ...lost });
  return Object.fromEntries(causes.filter(([, count]) => count > 0));
}
