/**
 * What came around a message's value, its key and headers, packed behind it: needed only when the
 * message is quarantined, so it is kept as bytes and read back then.
 */
export type HeaderValue = Buffer | string | null | undefined;

export interface MessageHeaders {
  readonly [name: string]: HeaderValue | HeaderValue[];
}

export interface Envelope {
  readonly key: string;
  readonly headers: Record<string, string>;
}

/** Header of a message that may have been sent before: spool replay, import. */
export const MAY_REPEAT_HEADER = 'll-dup';

/**
 * Kafka knows headers without a value, and kafkajs puts a function of `Object.prototype` in front of the
 * value of a header that bears its name, such as `toString`.
 */
const isBytes = (value: HeaderValue): value is Buffer => Buffer.isBuffer(value);

const sizeOf = (value: HeaderValue): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : isBytes(value) ? value.length : 0;

/** Upper bound of what {@link writeEnvelope} writes. */
export function envelopeSize(key: Buffer | null, headers: MessageHeaders | undefined): number {
  let size = 4 + (key?.length ?? 0);
  for (const name in headers) {
    const value = headers[name];
    const entry = 3 * name.length + 8;
    if (Array.isArray(value)) for (const one of value) size += entry + sizeOf(one);
    else size += entry + sizeOf(value);
  }
  return size;
}

/** Writes key and headers at `at` and answers the position behind them. */
export function writeEnvelope(
  to: Buffer,
  at: number,
  key: Buffer | null,
  headers: MessageHeaders | undefined,
): number {
  let end = to.writeUInt32LE(key?.length ?? 0, at);
  if (key) end += key.copy(to, end);
  for (const name in headers) {
    const value = headers[name];
    if (Array.isArray(value)) for (const one of value) end = writeHeader(to, end, name, one);
    else end = writeHeader(to, end, name, value);
  }
  return end;
}

function writeHeader(to: Buffer, at: number, name: string, value: HeaderValue): number {
  const nameBytes = to.write(name, at + 4);
  to.writeUInt32LE(nameBytes, at);
  let end = at + 4 + nameBytes;
  const valueBytes =
    typeof value === 'string'
      ? to.write(value, end + 4)
      : isBytes(value)
        ? value.copy(to, end + 4)
        : 0;
  end = to.writeUInt32LE(valueBytes, end);
  return end + valueBytes;
}

/** Whether there is a header of that name, in ASCII, in the envelope between `at` and `end`. */
export function hasHeader(bytes: Buffer, at: number, end: number, name: string): boolean {
  let next = at + 4 + bytes.readUInt32LE(at);
  while (next < end) {
    const length = bytes.readUInt32LE(next);
    const start = next + 4;
    if (length === name.length) {
      let same = 0;
      while (same < length && bytes[start + same] === name.charCodeAt(same)) same++;
      if (same === length) return true;
    }
    next = start + length;
    next += 4 + bytes.readUInt32LE(next);
  }
  return false;
}

/** Key and headers as they came, in order; views of the bytes that were read. */
export interface RawEnvelope {
  readonly key: Buffer;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
}

/** Reads back what {@link writeEnvelope} wrote. No key is an empty one. */
export function readRawEnvelope(bytes: Buffer): RawEnvelope {
  let at = 4 + bytes.readUInt32LE(0);
  const key = bytes.subarray(4, at);
  const headers: [string, Buffer][] = [];
  while (at < bytes.length) {
    const nameEnd = at + 4 + bytes.readUInt32LE(at);
    const name = bytes.toString('utf8', at + 4, nameEnd);
    const valueEnd = nameEnd + 4 + bytes.readUInt32LE(nameEnd);
    headers.push([name, bytes.subarray(nameEnd + 4, valueEnd)]);
    at = valueEnd;
  }
  return { key, headers };
}

/** The same as text. Of a header given twice, the last value stays. */
export function readEnvelope(bytes: Buffer): Envelope {
  const { key, headers } = readRawEnvelope(bytes);
  const texts = headers.map(([name, value]) => [name, value.toString('utf8')] as const);
  return { key: key.toString('utf8'), headers: Object.fromEntries(texts) };
}
