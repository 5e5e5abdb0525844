/**
 * Reads the records of one batch from its unpacked bytes, in pieces of any size as they come from the codec, and
 * holds on to no more of them than one record. What Kafka's own clients check is checked, and that offsets go up
 * within the batch: the broker counts a plain batch's records, and does not look at their offsets.
 * https://kafka.apache.org/documentation/#record
 */
import type { UnreadFault } from './backlog.ts';
import type { MessageHeaders } from './envelope.ts';
import type { RecordBatch } from './record-batch.ts';

/** Why a batch is not read: a limit, or bytes that are not what the format says. */
export class Unread extends Error {
  readonly fault: UnreadFault;

  constructor(fault: UnreadFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

const unreadable = (message: string): Unread => new Unread('batch_unreadable', message);

export interface ReadRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: MessageHeaders;
  readonly isControlRecord: boolean;
  readonly batchContext: RecordBatch['context'];
}

/** What a record, and each of its headers, takes in memory beside its bytes, about. */
export const RECORD_OVERHEAD_BYTES = 128;

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
  readonly #take: (record: ReadRecord, bytes: number) => void;
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
    take: (record: ReadRecord, bytes: number) => void,
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
    const from = new Cursor(bytes);
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
      if (from.at !== end) throw unreadable('a record is not as long as it says');
      const overhead = RECORD_OVERHEAD_BYTES * (1 + from.headers);
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

  #record(from: Cursor): ReadRecord {
    const { first, last, firstTimestamp, appendTime, isControl, context } = this.#batch;
    from.at++; // attributes, unused
    const timestamp = firstTimestamp + from.varint();
    const offset = first + from.varint();
    if (offset <= this.#lastOffset || offset > last) {
      throw unreadable('offsets do not go up within the batch');
    }
    this.#lastOffset = offset;
    this.#count++;
    return {
      offset: String(offset),
      timestamp: String(appendTime ?? timestamp),
      key: from.sized(),
      value: from.sized(),
      headers: headersFrom(from),
      isControlRecord: isControl,
      batchContext: context,
    };
  }
}

function headersFrom(from: Cursor): MessageHeaders {
  // Without a prototype: a header may be called `toString`.
  const headers = Object.create(null) as Record<string, MessageHeaders[string]>;
  from.headers = from.varint();
  // Each takes far more memory than the two bytes that it needs in Kafka.
  if (from.headers > MAX_HEADERS) {
    throw new Unread('batch_too_large', `a record has ${from.headers} headers`);
  }
  for (let count = from.headers; count > 0; count--) {
    const name = from.sized()?.toString('utf8') ?? '';
    const value = from.sized() ?? undefined;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else headers[name] = [before, value];
  }
  return headers;
}

const MAX_HEADERS = 10_000;
/** A length is a 32-bit number. */
const MAX_LENGTH_BYTES = 5;

class Cursor {
  readonly bytes: Buffer;
  at = 0;
  /** Of the record that is just read: how many headers it has, and where it ends. */
  headers = 0;
  end = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The varint before a record; `undefined` where the bytes end within it. */
  length(): number | undefined {
    this.end = this.bytes.length;
    let last = this.at;
    while (last < this.end && (this.bytes[last] as number) >= 0x80) last++;
    if (last - this.at >= MAX_LENGTH_BYTES) throw unreadable('a record has no length');
    return last < this.end ? this.varint() : undefined;
  }

  /** A zigzag varint of any width up to what a number holds exactly. */
  varint(): number {
    let byte = this.#next();
    let value = byte & 0x7f;
    for (let factor = 128; byte >= 0x80; factor *= 128) {
      byte = this.#next();
      value += (byte & 0x7f) * factor;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Bytes behind their length; `null` for length -1. */
  sized(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    this.at += length;
    if (!(this.at <= this.end)) throw unreadable('a record ends in the middle of a field');
    return this.bytes.subarray(this.at - length, this.at);
  }

  #next(): number {
    if (this.at >= this.end) throw unreadable('a record ends in the middle of a number');
    return this.bytes[this.at++] as number;
  }
}
