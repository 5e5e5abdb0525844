import type { Logger } from '../logger.ts';
import { Holding } from './holding.ts';
import type { Owner } from './owner.ts';
import { inheritSlots } from './slot.ts';

/** What other processes left in the folder, and what is said about it in the log. */
export class Estate {
  readonly #directory: string;
  readonly #owner: Owner;
  readonly #logger: Logger;
  #sinceMs: number | undefined;
  #settledEvents = 0;
  #othersAreElsewhere = false;

  constructor(directory: string, owner: Owner, logger: Logger) {
    this.#directory = directory;
    this.#owner = owner;
    this.#logger = logger;
  }

  /** Somebody elsewhere was heard of: whether it still is has to be looked at again. */
  get othersAreElsewhere(): boolean {
    return this.#othersAreElsewhere;
  }

  /** Takes over the slots of those who are dead, oldest first. */
  takeOver(): Holding[] {
    const { slots, elsewhere } = inheritSlots(this.#directory, this.#owner);
    const holdings = slots.map((slot) => new Holding(slot, true, this.#logger));
    const bytes = holdings.reduce((sum, { unreadBytes }) => sum + unreadBytes, 0);
    if (bytes > 0) {
      this.#sinceMs ??= performance.now();
      this.#logger.warn({ bytes }, 'an earlier process left events on disk; they are sent first');
    }
    if (elsewhere.length > 0 && !this.#othersAreElsewhere) {
      this.#logger.warn(
        { folders: elsewhere },
        'another machine or container uses this spool, or has until just now; what it leaves is taken over later',
      );
    }
    this.#othersAreElsewhere = elsewhere.length > 0;
    return holdings;
  }

  settledOne(): void {
    this.#settledEvents += 1;
  }

  /** Nothing of it is left. */
  isSent(): void {
    if (this.#sinceMs === undefined) return;
    const tookMs = Math.round(performance.now() - this.#sinceMs);
    this.#sinceMs = undefined;
    this.#logger.info(
      { events: this.#settledEvents, tookMs },
      'what an earlier process left on disk is sent',
    );
  }
}
