/**
 * Kafka's Fetch response, version 11, for the messages that make up nearly all of an audit topic: record
 * batches of format 2, uncompressed, outside of transactions. kafkajs reads them with 64-bit arithmetic
 * and several objects for each record, which is a third of a worker's time; this reads the same bytes into
 * the same shape. Whatever else a response holds is left to kafkajs as a whole.
 * Layout: https://kafka.apache.org/protocol#The_Messages_Fetch and
 * https://kafka.apache.org/documentation/#recordbatch. Pure.
 */
import type { ConsumedMessage } from './backlog.ts';
import type { MessageHeaders } from './envelope.ts';

export const FETCH_API_KEY = 1;
export const FETCH_VERSION = 11;

interface FetchedMessage extends ConsumedMessage {
  readonly headers: MessageHeaders;
  readonly isControlRecord: false;
}

interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  readonly abortedTransactions: readonly [];
  readonly preferredReadReplica: number;
  readonly messages: FetchedMessage[];
}

export interface FetchResponse {
  readonly throttleTime: 0;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: { readonly topicName: string; readonly partitions: FetchedPartition[] }[];
}

/** Bytes of a record batch before its records. */
const BATCH_HEADER_BYTES = 61;
/** Bytes of a batch that its own length does not count: base offset and length. */
const BATCH_PREFIX_BYTES = 12;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const FIRST_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const RECORDS_AT = 57;
const COMPRESSED_TRANSACTIONAL_OR_CONTROL = 0x37;
const LOG_APPEND_TIME = 0x8;

/** `undefined` when anything in it is not plain: kafkajs reads the response then. */
export function decodePlainFetch(bytes: Buffer): FetchResponse | undefined {
  const from = new Cursor(bytes);
  const clientSideThrottleTime = from.int32();
  const errorCode = from.int16();
  const sessionId = from.int32();
  const responses: FetchResponse['responses'] = [];
  for (let topics = from.int32(); topics > 0; topics--) {
    const topicName = from.string();
    const partitions: FetchedPartition[] = [];
    for (let count = from.int32(); count > 0; count--) {
      const partition = from.int32();
      const partitionError = from.int16();
      const highWatermark = from.int64();
      const lastStableOffset = from.int64();
      const lastStartOffset = from.int64();
      if (from.int32() > 0) return undefined; // aborted transactions
      const preferredReadReplica = from.int32();
      const messages = readBatches(from);
      if (!messages) return undefined;
      partitions.push({
        partition,
        errorCode: partitionError,
        highWatermark,
        lastStableOffset,
        lastStartOffset,
        abortedTransactions: [],
        preferredReadReplica,
        messages,
      });
    }
    responses.push({ topicName, partitions });
  }
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

function readBatches(from: Cursor): FetchedMessage[] | undefined {
  const messages: FetchedMessage[] = [];
  const size = from.int32();
  const end = from.at + Math.max(0, size);
  while (from.at + BATCH_HEADER_BYTES <= end) {
    const batchAt = from.at;
    const batchEnd = batchAt + BATCH_PREFIX_BYTES + from.bytes.readInt32BE(batchAt + 8);
    // Kafka cuts a response at its size: the last batch may be there in part.
    if (batchEnd > end) break;
    const attributes = from.bytes.readInt16BE(batchAt + ATTRIBUTES_AT);
    if (from.bytes[batchAt + MAGIC_AT] !== 2) return undefined;
    if (attributes & COMPRESSED_TRANSACTIONAL_OR_CONTROL) return undefined;
    const firstOffset = Number(from.bytes.readBigInt64BE(batchAt));
    const firstTimestamp = Number(from.bytes.readBigInt64BE(batchAt + FIRST_TIMESTAMP_AT));
    const appendTime =
      attributes & LOG_APPEND_TIME
        ? Number(from.bytes.readBigInt64BE(batchAt + MAX_TIMESTAMP_AT))
        : undefined;
    from.at = batchAt + RECORDS_AT;
    for (let count = from.int32(); count > 0; count--) {
      from.varint(); // length of the record
      from.at++; // attributes, unused
      const timestamp = firstTimestamp + from.varint();
      const offset = firstOffset + from.varint();
      const key = from.sized();
      const value = from.sized();
      messages.push({
        offset: String(offset),
        timestamp: String(appendTime ?? timestamp),
        key,
        value,
        headers: readHeaders(from),
        isControlRecord: false,
      });
    }
    from.at = batchEnd;
  }
  from.at = end;
  return messages;
}

function readHeaders(from: Cursor): MessageHeaders {
  // Without a prototype: a header may be called `toString`.
  const headers = Object.create(null) as Record<string, MessageHeaders[string]>;
  for (let count = from.varint(); count > 0; count--) {
    const name = from.sized()?.toString('utf8') ?? '';
    const value = from.sized() ?? undefined;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else headers[name] = [before, value];
  }
  return headers;
}

class Cursor {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  int16(): number {
    this.at += 2;
    return this.bytes.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.bytes.readInt32BE(this.at - 4);
  }

  int64(): string {
    this.at += 8;
    return String(this.bytes.readBigInt64BE(this.at - 8));
  }

  string(): string {
    const length = this.int16();
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
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
    return this.bytes.subarray(this.at - length, this.at);
  }

  #next(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined)
      throw new RangeError('The Fetch response ends in the middle of a record');
    return byte;
  }
}
