/**
 * Reads the records of one batch from its unpacked bytes, in pieces of any size as they come from the codec, and
 * holds on to no more of them than one record. What Kafka's own clients check is checked, and that offsets go up
 * within the batch: the broker counts a plain batch's records, and does not look at their offsets.
 * https://kafka.apache.org/documentation/#record
 */
import { RecordMessage } from './fetched-message.ts';
import type { RecordBatch } from './record-batch.ts';
import { RecordCursor, Unread, unreadable } from './record-cursor.ts';

/** What a record, and each of its headers, takes in memory beside its bytes, about. */
export const RECORD_OVERHEAD_BYTES = 128;

const MAX_HEADERS = 10_000;

export interface RecordLimits {
  /** Of one record. */
  readonly maxRecordBytes: number;
  /** Of all records of the batch, with what they take beside their bytes. */
  readonly maxBatchBytes: number;
}

export class RecordReader {
  readonly #batch: RecordBatch;
  readonly #limits: RecordLimits;
  /** Is given each record, with what it takes in memory. */
  readonly #take: (record: RecordMessage, bytes: number) => void;
  #bytes = 0;
  /** The front of a record whose end has not come. */
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #wantedBytes = 0;
  #count = 0;
  #lastOffset: number;

  constructor(
    batch: RecordBatch,
    limits: RecordLimits,
    take: (record: RecordMessage, bytes: number) => void,
  ) {
    this.#batch = batch;
    this.#limits = limits;
    this.#take = take;
    this.#lastOffset = batch.first - 1;
  }

  /** What it has read so far, with what the records take beside their bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws Unread */
  push(piece: Buffer): void {
    this.#weigh(piece.length);
    let bytes = piece;
    if (this.#waitingBytes > 0) {
      this.#waiting.push(piece);
      this.#waitingBytes += piece.length;
      if (this.#waitingBytes < this.#wantedBytes) return;
      bytes = Buffer.concat(this.#waiting);
      this.#waiting.length = 0;
      this.#waitingBytes = 0;
    }
    const from = new RecordCursor(bytes);
    while (from.at < bytes.length) {
      const start = from.at;
      const size = from.length();
      if (size === undefined) return this.#await(bytes.subarray(start), 1);
      if (size < 0) throw unreadable('a record has no length');
      if (size > this.#limits.maxRecordBytes) {
        throw new Unread('batch_too_large', `a record has ${size} bytes`);
      }
      const end = from.at + size;
      if (end > bytes.length) return this.#await(bytes.subarray(start), end - bytes.length);
      from.end = end;
      const record = this.#record(from);
      const headers = passHeaders(from);
      if (from.at !== end) throw unreadable('a record is not as long as it says');
      const overhead = RECORD_OVERHEAD_BYTES * (1 + headers);
      this.#weigh(overhead);
      this.#take(record, size + overhead);
    }
  }

  /** @throws Unread when records are missing */
  finish(): void {
    if (this.#waitingBytes > 0) throw unreadable('the last record is cut');
    if (this.#count !== this.#batch.count) {
      throw unreadable(`${this.#count} records where the batch counts ${this.#batch.count}`);
    }
  }

  #weigh(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.maxBatchBytes) {
      throw new Unread('batch_too_large', `its records take more than ${this.#bytes} bytes`);
    }
  }

  #await(front: Buffer, missing: number): void {
    this.#waiting.push(front);
    this.#waitingBytes = front.length;
    this.#wantedBytes = front.length + missing;
  }

  #record(from: RecordCursor): RecordMessage {
    const { first, last, firstTimestamp } = this.#batch;
    from.at++; // attributes, unused
    const timestamp = firstTimestamp + from.varint();
    const offset = first + from.varint();
    if (offset <= this.#lastOffset || offset > last) {
      throw unreadable('offsets do not go up within the batch');
    }
    this.#lastOffset = offset;
    this.#count++;
    return new RecordMessage(this.#batch, offset, timestamp, from);
  }
}

/** Goes through the headers, and answers how many they are. */
function passHeaders(from: RecordCursor): number {
  const count = from.varint();
  // Each takes far more memory than the two bytes that it needs in Kafka.
  if (count > MAX_HEADERS) throw new Unread('batch_too_large', `a record has ${count} headers`);
  for (let rest = count; rest > 0; rest--) {
    from.skipSized();
    from.skipSized();
  }
  return count;
}
