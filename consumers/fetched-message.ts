import type { ConsumedMessage } from './backlog.ts';
import { type MessageHeaders, writeEnvelope } from './envelope.ts';
import type { RecordBatch } from './record-batch.ts';
import { RecordCursor } from './record-cursor.ts';

/** A message as kafkajs takes it from a fetch. */
export interface FetchedMessage extends ConsumedMessage {
  readonly headers: MessageHeaders;
  readonly isControlRecord: boolean;
  readonly batchContext: RecordBatch['context'];
}

/** What stands for a message that was not read, or is none. */
export const bodiless = (
  { context }: RecordBatch,
  offset: number,
  timestamp: number,
): Omit<FetchedMessage, 'isControlRecord'> => ({
  offset: String(offset),
  timestamp: String(timestamp),
  key: null,
  value: null,
  headers: {},
  batchContext: context,
});

/** With more of them, the objects are made. */
const FEW_HEADERS = 8;
/** A loop is quicker than a call for so few bytes. */
const FEW_BYTES = 64;

/** Used again for every message: nothing here waits. */
const from = new RecordCursor(Buffer.alloc(0));
const nameStarts = new Uint32Array(FEW_HEADERS);
const nameEnds = new Uint32Array(FEW_HEADERS);

/**
 * A message as it lies in the bytes of a fetch. Its key and its headers become objects only when somebody asks for
 * them: a worker copies their bytes, and the objects of every message would take it a quarter of its time.
 */
export class RecordMessage implements FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly value: Buffer | null;
  readonly isControlRecord: boolean;
  readonly batchContext: RecordBatch['context'];
  readonly #bytes: Buffer;
  readonly #keyAt: number;
  readonly #headersAt: number;
  readonly #end: number;

  /**
   * @param record stands at the length of its key, ends where the record ends, and is left there
   * @throws Unread where the record is not as long as it says
   */
  constructor(
    { isControl, context, appendTime }: RecordBatch,
    offset: number,
    timestamp: number,
    record: RecordCursor,
  ) {
    this.offset = String(offset);
    this.timestamp = String(appendTime ?? timestamp);
    this.#bytes = record.bytes;
    this.#keyAt = record.at;
    record.skipSized();
    this.value = record.sized();
    this.#headersAt = record.at;
    this.#end = record.end;
    this.isControlRecord = isControl;
    this.batchContext = context;
  }

  get key(): Buffer | null {
    return from.over(this.#bytes, this.#keyAt, this.#end).sized();
  }

  get headers(): MessageHeaders {
    // Without a prototype: a header may be called `toString`.
    const headers = Object.create(null) as Record<string, MessageHeaders[string]>;
    from.over(this.#bytes, this.#headersAt, this.#end);
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

  get envelopeSize(): number {
    const key = from.over(this.#bytes, this.#keyAt, this.#end).skipSized();
    const headers = from.over(this.#bytes, this.#headersAt, this.#end).varint();
    // What is not UTF-8 in a name grows threefold.
    return 4 + key + 8 * headers + 3 * (this.#end - this.#headersAt);
  }

  /** To the byte as if from objects: a batch is recognised by it. */
  writeEnvelope(to: Buffer, at: number): number {
    const end = this.#copyEnvelope(to, at);
    return end < 0 ? writeEnvelope(to, at, this.key, this.headers) : end;
  }

  /** -1 where objects would change the order or the bytes of the headers. */
  #copyEnvelope(to: Buffer, at: number): number {
    const bytes = this.#bytes;
    const key = from.over(bytes, this.#keyAt, this.#end).skipSized();
    let end = copySized(bytes, from.at - key, key, to, at);
    const count = from.over(bytes, this.#headersAt, this.#end).varint();
    if (count > FEW_HEADERS) return -1;
    for (let n = 0; n < count; n++) {
      const name = from.skipSized();
      const start = from.at - name;
      if (!isPlainName(bytes, start, from.at) || isAmong(bytes, start, from.at, n)) return -1;
      nameStarts[n] = start;
      nameEnds[n] = from.at;
      end = copySized(bytes, start, name, to, end);
      const value = from.skipSized();
      end = copySized(bytes, from.at - value, value, to, end);
    }
    return end;
  }
}

/** Objects put names that are numbers first, and replace what is not UTF-8. */
function isPlainName(bytes: Buffer, start: number, end: number): boolean {
  if (start === end || (bytes[start] as number) <= 0x39) return false;
  for (let i = start; i < end; i++) if ((bytes[i] as number) > 0x7f) return false;
  return true;
}

/** Whether one of the first `count` names is the same. */
function isAmong(bytes: Buffer, start: number, end: number, count: number): boolean {
  for (let n = 0; n < count; n++) {
    const other = nameStarts[n] as number;
    if ((nameEnds[n] as number) - other !== end - start) continue;
    let i = start;
    while (i < end && bytes[i] === bytes[other + i - start]) i++;
    if (i === end) return true;
  }
  return false;
}

/** Writes the length and the bytes, and answers the position behind them. */
function copySized(bytes: Buffer, start: number, length: number, to: Buffer, at: number): number {
  to[at] = length;
  to[at + 1] = length >>> 8;
  to[at + 2] = length >>> 16;
  to[at + 3] = length >>> 24;
  const begin = at + 4;
  if (length > FEW_BYTES) bytes.copy(to, begin, start, start + length);
  else for (let i = 0; i < length; i++) to[begin + i] = bytes[start + i] as number;
  return begin + length;
}
