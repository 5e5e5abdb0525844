/** Record batches as anybody may write them: any bytes as records, under a header that says what one likes. */
import { crc32c } from '../../consumers/crc32c.ts';

/** Kafka's numbers. https://kafka.apache.org/documentation/#recordbatch, attributes */
export const CODEC = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

export interface BatchHeader {
  readonly attributes?: number;
  readonly baseOffset?: number;
  readonly count: number;
  /** Default: what `count` says. */
  readonly lastOffsetDelta?: number;
  readonly timestamp?: number | bigint;
  readonly producerId?: number;
}

export function recordBatch(records: Buffer, header: BatchHeader): Buffer {
  const { count, timestamp = Date.now() } = header;
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(BigInt(header.baseOffset ?? 0), 0);
  head.writeInt32BE(61 - 12 + records.length, 8);
  head.writeInt32BE(-1, 12);
  head.writeInt8(2, 16);
  head.writeInt16BE(header.attributes ?? 0, 21);
  head.writeInt32BE(header.lastOffsetDelta ?? count - 1, 23);
  head.writeBigInt64BE(BigInt(timestamp), 27);
  head.writeBigInt64BE(BigInt(timestamp), 35);
  head.writeBigInt64BE(BigInt(header.producerId ?? -1), 43);
  head.writeInt16BE(-1, 51);
  head.writeInt32BE(-1, 53);
  head.writeInt32BE(count, 57);
  const batch = Buffer.concat([head, records]);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

export interface WrittenRecord {
  readonly timestampDelta?: bigint;
  readonly offsetDelta: number;
  readonly key?: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly (readonly [name: string, value: Buffer])[];
}

export function recordBytes({
  offsetDelta,
  timestampDelta = 0n,
  key = null,
  value,
  headers = [],
}: WrittenRecord): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varlong(timestampDelta),
    varint(offsetDelta),
    sized(key),
    sized(value),
    varint(headers.length),
    ...headers.flatMap(([name, held]) => [sized(Buffer.from(name)), sized(held)]),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

/** Records with these values, one offset after the other. */
export const recordsWith = (values: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(
    values.map((value, offsetDelta) => recordBytes({ offsetDelta, value: Buffer.from(value) })),
  );

/** Zigzag. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function varlong(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value < 0n ? -2n * value - 1n : 2n * value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

const sized = (bytes: Buffer | null): Buffer =>
  bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);

/** A zstd frame in which each of these bytes is repeated so often: four bytes for up to 128 KiB. */
export function zstdRuns(runs: readonly (readonly [byte: number, times: number])[]): Buffer {
  // No content size; a window of 128 KiB.
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38])];
  runs.forEach(([byte, times], index) => {
    const last = index === runs.length - 1 ? 1 : 0;
    const block = Buffer.alloc(4);
    block.writeUIntLE((times << 3) | (1 << 1) | last, 0, 3);
    block[3] = byte;
    parts.push(block);
  });
  return Buffer.concat(parts);
}
