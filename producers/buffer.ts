import { Fifo } from './fifo.ts';
import { Lane } from './lane.ts';
import type { Outbound } from './outbound.ts';

/** How much may wait for Kafka in memory. */
export interface BufferBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

/**
 * Encoded events that wait for Kafka, bounded in number and in bytes: an inbox for those that
 * just came, and a lane for each partition once the partitions are known. What is being sent
 * counts until it is settled.
 */
export class OutboundBuffer {
  readonly #bounds: BufferBounds;
  readonly #inbox = new Fifo<Outbound>();
  readonly #lanes = new Map<number, Lane>();
  #events = 0;
  #bytes = 0;
  #inboxBytes = 0;
  #lastSerial = 0;

  constructor(bounds: BufferBounds) {
    this.#bounds = bounds;
  }

  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get inboxEvents(): number {
    return this.#inbox.length;
  }

  get inboxBytes(): number {
    return this.#inboxBytes;
  }

  /** The serial number of the event that came last; 0 before the first. */
  get lastSerial(): number {
    return this.#lastSerial;
  }

  /** The serial number of the event that has waited longest; infinite when none does. */
  get oldest(): number {
    let oldest = this.#inbox.peek()?.serial ?? Infinity;
    for (const lane of this.#lanes.values()) oldest = Math.min(oldest, lane.oldest);
    return oldest;
  }

  /** Whether an event of this size has room. One has, however large, while nothing waits. */
  hasRoomFor(bytes: number): boolean {
    if (this.#events === 0) return true;
    return this.#events < this.#bounds.maxEvents && this.#bytes + bytes <= this.#bounds.maxBytes;
  }

  /** Less than half full: the end of being full, so that one free place is not yet one. */
  get isRelaxed(): boolean {
    return this.#events * 2 <= this.#bounds.maxEvents && this.#bytes * 2 <= this.#bounds.maxBytes;
  }

  add(outbound: Outbound): void {
    outbound.serial = ++this.#lastSerial;
    this.#events += 1;
    this.#bytes += outbound.bytes;
    this.#inboxBytes += outbound.bytes;
    this.#inbox.push(outbound);
  }

  /** Moves the inbox into the lanes. */
  route(partitionOf: (key: string) => number): void {
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      this.lane(partitionOf(next.key)).push(next);
    }
    this.#inboxBytes = 0;
  }

  lane(partition: number): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      lane = new Lane(partition);
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** These are in the log or given up: their room is free. */
  release(settled: readonly Outbound[]): void {
    this.#events -= settled.length;
    for (const outbound of settled) this.#bytes -= outbound.bytes;
  }

  /** The log no longer recognises repeats of what was tried. */
  flagAttempted(): void {
    for (const lane of this.#lanes.values()) lane.flagAttempted();
  }

  /** Back to the inbox with everything, in the order it came: the partitions are others now. */
  unroute(): void {
    const waiting = this.#takeAll();
    for (const outbound of waiting) {
      this.#inboxBytes += outbound.bytes;
      this.#inbox.push(outbound);
    }
  }

  /** Everything that waits, in the order it came; the buffer is empty afterwards. */
  drain(): Outbound[] {
    const waiting = this.#takeAll();
    this.release(waiting);
    return waiting;
  }

  #takeAll(): Outbound[] {
    const waiting = [...this.#lanes.values()].flatMap((lane) => lane.takeAll());
    waiting.sort((a, b) => a.serial - b.serial);
    this.#lanes.clear();
    this.#inboxBytes = 0;
    return waiting.concat(this.#inbox.takeAll());
  }
}
