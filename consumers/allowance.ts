/**
 * How much one response of Kafka gives out: memory, because a worker's is bounded, and work, because no heartbeat
 * goes out while a response is read. docs/delivery.md, "What is held in memory", names both.
 */
const MIB = 1024 * 1024;
/** Of messages handed on. One message may be as large. */
export const RESPONSE_BYTES = 8 * MIB;
/** Of unpacked batches, needed or not; the batch that goes beyond it is read to its end. */
const WORK_BYTES = 16 * MIB;

export class Allowance {
  #room = RESPONSE_BYTES;
  #work = WORK_BYTES;

  /** Whether a message of this size still goes with the response; the first one always does. */
  takes(bytes: number): boolean {
    if (bytes > this.#room && this.#room < RESPONSE_BYTES) return false;
    this.#room -= bytes;
    return true;
  }

  get room(): number {
    return this.#room;
  }

  /** Messages that were taken are not handed on after all. */
  giveBack(room: number): void {
    this.#room = room;
  }

  worked(bytes: number): void {
    this.#work -= bytes;
  }

  /** Nothing more is to be read. The first batch always is. */
  get isSpent(): boolean {
    return this.#work <= 0 || this.#room <= 0;
  }
}
