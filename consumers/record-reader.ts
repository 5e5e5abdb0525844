/**
 * Reads the records of one batch from its unpacked bytes, in pieces of any size as they come from the codec, and
 * holds on to no more of them than one record. What Kafka's own clients check is checked, and that offsets go up
 * within the batch: the broker counts a plain batch's records, and does not look at their offsets.
 * https://kafka.apache.org/documentation/#record
 */
import { bodiless, type FetchedMessage, RecordMessage } from './fetched-message.ts';
import type { RecordBatch } from './record-batch.ts';
import { RecordCursor, Unread, unreadable } from './record-cursor.ts';

/** What a record, and each of its headers, takes in memory beside its bytes, about. */
export const RECORD_OVERHEAD_BYTES = 128;

/** Each takes far more memory than the two bytes that it needs in Kafka. */
const MAX_HEADERS = 10_000;

/** Within these of its first bytes a record says which offset it has. */
const FRONT_BYTES = 32;

export interface RecordLimits {
  /** A record that is larger is passed over: of it comes a message without a body. */
  readonly maxRecordBytes: number;
  /** Of all records of the batch, with what they take beside their bytes. Beyond it the batch is given up. */
  readonly maxBatchBytes: number;
}

export class RecordReader {
  readonly #batch: RecordBatch;
  readonly #limits: RecordLimits;
  /** Is given each record, with what it takes in memory. */
  readonly #take: (record: FetchedMessage, bytes: number) => void;
  #bytes = 0;
  /** The front of a record whose end has not come. */
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #wantedBytes = 0;
  /** What is left of a record that is passed over. */
  #passingBytes = 0;
  #count = 0;
  #lastOffset: number;

  constructor(
    batch: RecordBatch,
    limits: RecordLimits,
    take: (record: FetchedMessage, bytes: number) => void,
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
    let bytes = piece.subarray(this.#passingBytes);
    this.#passingBytes -= piece.length - bytes.length;
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
      const isTooLarge = size > this.#limits.maxRecordBytes;
      const end = from.at + size;
      const wanted = isTooLarge ? from.at + FRONT_BYTES : end;
      if (wanted > bytes.length) return this.#await(bytes.subarray(start), wanted - bytes.length);
      from.end = wanted;
      const { offset, timestamp } = this.#place(from);
      if (isTooLarge) {
        this.#pass(offset, timestamp);
        this.#passingBytes = Math.max(0, end - bytes.length);
        from.at = end;
        continue;
      }
      const record = new RecordMessage(this.#batch, offset, timestamp, from);
      const headers = passHeaders(from);
      if (from.at !== end) throw unreadable('a record is not as long as it says');
      if (headers > MAX_HEADERS) {
        this.#pass(offset, timestamp);
        continue;
      }
      const overhead = RECORD_OVERHEAD_BYTES * (1 + headers);
      this.#weigh(overhead);
      this.#take(record, size + overhead);
    }
  }

  /** @throws Unread when records are missing */
  finish(): void {
    if (this.#waitingBytes + this.#passingBytes > 0) throw unreadable('the last record is cut');
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

  #pass(offset: number, timestamp: number): void {
    const { appendTime, isControl } = this.#batch;
    this.#weigh(RECORD_OVERHEAD_BYTES);
    this.#take(
      {
        ...bodiless(this.#batch, offset, appendTime ?? timestamp),
        isControlRecord: isControl,
        unread: 'message_too_large',
      },
      RECORD_OVERHEAD_BYTES,
    );
  }

  /** Goes past what stands in front of a record's key. */
  #place(from: RecordCursor): { readonly offset: number; readonly timestamp: number } {
    const { first, last, firstTimestamp } = this.#batch;
    from.at++; // attributes, unused
    const timestamp = firstTimestamp + from.varint();
    const offset = first + from.varint();
    if (offset <= this.#lastOffset || offset > last) {
      throw unreadable('offsets do not go up within the batch');
    }
    this.#lastOffset = offset;
    this.#count++;
    return { offset, timestamp };
  }
}

/** Goes through the headers, and answers how many they are. */
function passHeaders(from: RecordCursor): number {
  const count = from.varint();
  for (let rest = count; rest > 0; rest--) {
    from.skipSized();
    from.skipSized();
  }
  return count;
}
