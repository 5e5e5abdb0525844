import { Backoff } from './backoff.ts';
import { Fifo } from './fifo.ts';
import type { Outbound } from './outbound.ts';

/** How much one send may carry. */
export interface BatchLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

interface Batch {
  readonly messages: readonly Outbound[];
  /** It was sent, and whether the log has it is not known. */
  attempted: boolean;
}

/**
 * What waits for one partition, in order.
 *
 * A batch once tried stays as it is until its end is known. The broker recognises a repeat by the
 * sequence numbers alone: a different batch under the numbers of one that did arrive would be
 * acknowledged and thrown away.
 */
export class Lane {
  readonly partition: number;
  readonly backoff = new Backoff();
  #formed: Batch[] = [];
  readonly #queue = new Fifo<Outbound>();

  constructor(partition: number) {
    this.partition = partition;
  }

  /** The serial number of the event that has waited longest; infinite when none does. */
  get oldest(): number {
    return (this.#formed[0]?.messages[0] ?? this.#queue.peek())?.serial ?? Infinity;
  }

  push(outbound: Outbound): void {
    this.#queue.push(outbound);
  }

  /** The batch to send now: the same one until {@link settle} or {@link split}. Empty when idle. */
  attempt(limits: BatchLimits): readonly Outbound[] {
    let batch = this.#formed[0];
    if (batch === undefined) {
      const messages = this.#form(limits);
      if (messages.length === 0) return messages;
      batch = { messages, attempted: true };
      this.#formed.push(batch);
    }
    batch.attempted = true;
    return batch.messages;
  }

  /** The batch is in the log, or given up. */
  settle(): void {
    this.#formed.shift();
  }

  /** The log refuses the batch as it is: try its halves. */
  split(): void {
    const messages = this.#formed.shift()?.messages ?? [];
    const middle = messages.length >> 1;
    this.#formed.unshift(
      { messages: messages.slice(0, middle), attempted: false },
      { messages: messages.slice(middle), attempted: false },
    );
  }

  /** The log no longer recognises repeats: say so on everything that was tried. */
  flagAttempted(): void {
    for (const batch of this.#formed) {
      if (!batch.attempted) continue;
      for (const outbound of batch.messages) outbound.mayRepeat = true;
      batch.attempted = false;
    }
  }

  /** Everything that waits, in order; the lane is empty afterwards. */
  takeAll(): Outbound[] {
    const waiting = this.#formed.flatMap((batch) => batch.messages);
    this.#formed = [];
    return waiting.concat(this.#queue.takeAll());
  }

  #form({ maxEvents, maxBytes }: BatchLimits): Outbound[] {
    const messages: Outbound[] = [];
    let bytes = 0;
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      bytes += next.bytes;
      // One that is larger than a batch goes alone: whether it fits is the broker's to say.
      if (messages.length > 0 && (messages.length === maxEvents || bytes > maxBytes)) break;
      messages.push(next);
      this.#queue.shift();
    }
    return messages;
  }
}
