import { Fifo } from '../fifo.ts';
import { SEGMENT_HEADER } from './record.ts';

/** A record that is in memory as well, until its event is in the log or given up. */
export interface SpoolPlace {
  readonly segment: Segment;
  readonly end: number;
  settled: boolean;
}

/**
 * What this process knows of one segment file. Three marks move forward through it: up to
 * `settledTo` nothing has to be sent any more, up to `readTo` everything is in memory, up to `size`
 * there are whole records.
 */
export class Segment {
  readonly path: string;
  readonly number: number;
  size: number;
  readTo: number;
  settledTo: number;
  /** Nothing is written behind its end any more. */
  sealed: boolean;
  /** The disk will not give it back: it is left as it is, for the next start. */
  unreadable = false;
  /** Somebody else deleted it. */
  isDeleted = false;
  /** This ledger's events that are here and not in memory, by category. */
  readonly onlyHere = new Map<string, number>();
  readonly #inMemory = new Fifo<SpoolPlace>();

  constructor(path: string, number: number, size: number, from: number, sealed: boolean) {
    this.path = path;
    this.number = number;
    this.size = size;
    this.readTo = Math.max(from, SEGMENT_HEADER.length);
    this.settledTo = this.readTo;
    this.sealed = sealed;
  }

  get hasBacklog(): boolean {
    return this.readTo < this.size && !this.unreadable;
  }

  /** Of records that are on disk only. */
  get unreadBytes(): number {
    return this.hasBacklog ? this.size - this.readTo : 0;
  }

  /** Nothing in it is needed any more. */
  get isSettled(): boolean {
    return this.settledTo >= this.size && !this.unreadable;
  }

  /** The next record, which ends there, is in memory from now on. */
  taken(end: number): SpoolPlace {
    const place: SpoolPlace = { segment: this, end, settled: false };
    this.#inMemory.push(place);
    this.readTo = end;
    return place;
  }

  /** Records are settled in the order of their partitions; the mark waits for the slowest. */
  settle(place: SpoolPlace): void {
    place.settled = true;
    for (let next = this.#inMemory.peek(); next?.settled; next = this.#inMemory.peek()) {
      this.settledTo = next.end;
      this.#inMemory.shift();
    }
  }

  /** Behind what was read there are no more whole records. Answers how many bytes that takes off. */
  cut(): number {
    const bytes = this.size - this.readTo;
    this.size = this.readTo;
    return bytes;
  }
}
