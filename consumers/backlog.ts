/**
 * What one partition has received and not yet stored. Messages are checked and copied as they come,
 * so that nothing of kafkajs's is held on to, and leave in batches: ranges of the partition's offsets.
 */
import { createHash } from 'node:crypto';
import type { Chunk, ChunkPool } from './chunk-pool.ts';
import {
  MAY_REPEAT_HEADER,
  type MessageHeaders,
  envelopeSize,
  hasHeader,
  readEnvelope,
  readRawEnvelope,
  writeEnvelope,
  type Envelope,
  type RawEnvelope,
} from './envelope.ts';
import { closingBrace } from './framing.ts';

/** The part of a consumed message that matters here; kafkajs's `KafkaMessage` has this shape. */
export interface ConsumedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: MessageHeaders | undefined;
  /** Why it, or its record batch, was not read: it has no key, value or headers then, whatever was sent. */
  readonly unread?: UnreadFault;
  /** Where a message packs its own key and headers, instead of making objects of them: how many bytes at most. */
  readonly envelopeSize?: number;
  /** Writes them at `at`, as `writeEnvelope` of envelope.ts does, and answers the position behind them. */
  writeEnvelope?(to: Buffer, at: number): number;
}

export type UnreadFault = 'message_too_large' | 'batch_too_large' | 'batch_unreadable';

/** Why a message can be seen to be unfit before the engine has looked at it. */
export type FramingFault = 'tombstone' | 'too_large' | 'not_one_object' | UnreadFault;

export interface Row {
  readonly offset: number;
  /** Kafka's timestamp in milliseconds since 1970, as it came: any number, see stored-time.ts. */
  readonly timestamp: number;
  readonly chunk: Chunk;
  readonly start: number;
  /** Where the value ends and the envelope begins. */
  readonly valueEnd: number;
  readonly end: number;
  /** Position of the object's closing brace; -1 where there is a fault. */
  readonly brace: number;
  readonly fault: FramingFault | undefined;
  /** The producer says that it may have sent this message before. */
  readonly mayRepeat: boolean;
  /** When it came, in the caller's milliseconds. */
  readonly receivedAt: number;
}

export const valueOf = (row: Row): Buffer => row.chunk.bytes.subarray(row.start, row.valueEnd);
export const envelopeOf = (row: Row): Envelope =>
  readEnvelope(row.chunk.bytes.subarray(row.valueEnd, row.end));
export const rawEnvelopeOf = (row: Row): RawEnvelope =>
  readRawEnvelope(row.chunk.bytes.subarray(row.valueEnd, row.end));

/** A range of offsets of one partition with the messages in it. */
export interface Batch {
  readonly first: number;
  readonly last: number;
  readonly rows: readonly Row[];
  readonly hash: string;
}

export interface BatchLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** Rough cost of a row's bookkeeping, so that floods of tiny messages are bounded too. */
const ROW_OVERHEAD_BYTES = 128;

export class Backlog {
  readonly #pool: ChunkPool;
  readonly #maxMessageBytes: number;
  #rows: Row[] = [];
  #chunk: Chunk | undefined;
  #bytes = 0;
  #heldBytes = 0;
  /** When the last fetch without messages (control records only) came. */
  #skippedAt = 0;
  #from: number;
  #next: number;

  constructor(pool: ChunkPool, from: number, maxMessageBytes: number) {
    this.#pool = pool;
    this.#maxMessageBytes = maxMessageBytes;
    this.#from = from;
    this.#next = from;
  }

  /** The offset that the next message must come from. */
  get next(): number {
    return this.#next;
  }
  /** Messages that wait to be cut into a batch. */
  get rows(): number {
    return this.#rows.length;
  }
  /** Bytes that wait to be cut into a batch. */
  get bytes(): number {
    return this.#bytes;
  }
  /** Bytes held in memory: those that wait, and those of batches not yet released. */
  get heldBytes(): number {
    return this.#heldBytes;
  }
  /** The first message that waits to be cut into a batch. */
  get oldest(): Row | undefined {
    return this.#rows[0];
  }
  /** When the oldest waiting message came, in the caller's milliseconds; 0 when none waits. */
  get waitingSince(): number {
    const [oldest] = this.#rows;
    if (oldest) return oldest.receivedAt;
    return this.#next > this.#from ? this.#skippedAt : 0;
  }

  /** Takes the messages of one fetch, which reached up to `lastOffset` (control records included). */
  append(messages: readonly ConsumedMessage[], lastOffset: number, now: number): void {
    for (const message of messages) this.#take(message, now);
    if (messages.length === 0) this.#skippedAt = now;
    this.#next = lastOffset + 1;
  }

  #take(message: ConsumedMessage, receivedAt: number): void {
    const { value, unread } = message;
    const length = value?.length ?? 0;
    const size = length + (message.envelopeSize ?? envelopeSize(message.key, message.headers));
    let chunk = this.#chunk;
    if (!chunk || chunk.used + size > chunk.bytes.length) {
      if (chunk) this.#pool.close(chunk);
      chunk = this.#pool.open(size);
      this.#chunk = chunk;
    }
    const start = chunk.used;
    if (value) value.copy(chunk.bytes, start);
    const valueEnd = start + length;
    const end =
      message.writeEnvelope?.(chunk.bytes, valueEnd) ??
      writeEnvelope(chunk.bytes, valueEnd, message.key, message.headers);
    chunk.used = end;
    chunk.rows++;

    let brace = -1;
    let fault: FramingFault | undefined;
    if (unread !== undefined) fault = unread;
    else if (!value || length === 0) fault = 'tombstone';
    else if (length > this.#maxMessageBytes) fault = 'too_large';
    else {
      brace = closingBrace(value);
      if (brace < 0) fault = 'not_one_object';
      else brace += start;
    }
    const cost = end - start + ROW_OVERHEAD_BYTES;
    this.#bytes += cost;
    this.#heldBytes += cost;
    this.#rows.push({
      offset: Number(message.offset),
      timestamp: Number(message.timestamp),
      chunk,
      start,
      valueEnd,
      end,
      brace,
      fault,
      mayRepeat: hasHeader(chunk.bytes, valueEnd, end, MAY_REPEAT_HEADER),
      receivedAt,
    });
  }

  /** Whether a batch would be as large as it may get. */
  isFull(limits: BatchLimits): boolean {
    return this.#rows.length >= limits.maxRows || this.#bytes >= limits.maxBytes;
  }

  /** The next batch within the limits (one message at least), or `undefined` when nothing waits. */
  cut(limits: BatchLimits): Batch | undefined {
    if (this.#next === this.#from) return undefined;
    let count = 0;
    let bytes = 0;
    for (const row of this.#rows) {
      if (count >= limits.maxRows) break;
      const cost = row.end - row.start + ROW_OVERHEAD_BYTES;
      if (count > 0 && bytes + cost > limits.maxBytes) break;
      bytes += cost;
      count++;
    }
    return this.#leave(count);
  }

  /** Exactly the range that ends at `last`, once all of it has come. */
  cutThrough(last: number): Batch | undefined {
    if (this.#next <= last) return undefined;
    let count = this.#rows.findIndex((row) => row.offset > last);
    if (count < 0) count = this.#rows.length;
    return this.#leave(count, last);
  }

  /** Puts the tail of a batch back, behind its first `count` messages (one at least). */
  shorten(batch: Batch, count: number): Batch {
    const kept = batch.rows.slice(0, count);
    const tail = batch.rows.slice(count);
    const last = tail[0] ? tail[0].offset - 1 : batch.last;
    this.#putBack(tail, last + 1);
    return { first: batch.first, last, rows: kept, hash: fingerprint(kept) };
  }

  /** Undoes a cut. Only for the batch that was cut last. */
  putBack(batch: Batch): void {
    this.#putBack(batch.rows, batch.first);
  }

  #putBack(rows: readonly Row[], from: number): void {
    this.#rows = [...rows, ...this.#rows];
    for (const row of rows) this.#bytes += row.end - row.start + ROW_OVERHEAD_BYTES;
    this.#from = from;
  }

  #leave(count: number, through?: number): Batch {
    const rows = this.#rows.slice(0, count);
    this.#rows = this.#rows.slice(count);
    for (const row of rows) this.#bytes -= row.end - row.start + ROW_OVERHEAD_BYTES;
    const following = this.#rows[0];
    const first = this.#from;
    const last = through ?? (following ? following.offset - 1 : this.#next - 1);
    this.#from = last + 1;
    return { first, last, rows, hash: fingerprint(rows) };
  }

  /** Gives the memory of a stored batch back. */
  release(batch: Batch): void {
    for (const row of batch.rows) {
      this.#heldBytes -= row.end - row.start + ROW_OVERHEAD_BYTES;
      this.#pool.release(row.chunk);
    }
  }

  /** Gives everything that waits back: the partition has another owner now. */
  clear(): void {
    this.release({ first: 0, last: 0, rows: this.#rows, hash: '' });
    if (this.#chunk) this.#pool.close(this.#chunk);
    this.#chunk = undefined;
    this.#rows = [];
    this.#bytes = 0;
    this.#from = this.#next;
  }
}

/**
 * 96 bits over offsets, timestamps, keys, headers and values as they came, so that another version of
 * the worker, which may splice differently, rebuilds the same batch.
 */
function fingerprint(rows: readonly Row[]): string {
  const hash = createHash('sha256');
  const numbers = new Float64Array(rows.length * 4);
  let n = 0;
  for (let i = 0; i < rows.length;) {
    const { chunk, start } = rows[i] as Row;
    let end = start;
    // Neighbours lie side by side in a chunk: one update for all of them.
    for (let row = rows[i]; row && row.chunk === chunk; row = rows[++i]) {
      numbers[n++] = row.offset;
      numbers[n++] = row.timestamp;
      numbers[n++] = row.fault === 'tombstone' ? -1 : row.valueEnd - row.start;
      numbers[n++] = row.end - row.start;
      end = row.end;
    }
    hash.update(chunk.bytes.subarray(start, end));
  }
  return hash.update(new Uint8Array(numbers.buffer)).digest('base64url').slice(0, 16);
}
