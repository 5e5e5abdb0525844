/** Record batches of some hundred kilobytes that unpack to hundreds of megabytes. */
import { once } from 'node:events';
import { createGzip, constants } from 'node:zlib';
import { CODEC, recordBatch, varint, zstdRuns } from './record-batch.ts';

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(MIB);
/** zstd repeats so many bytes at most in one block. */
const RUN_BYTES = 128 * 1024;

/** The bytes of a record before its value, and none behind it but the count of headers: a zero like the rest. */
function frontOf(valueBytes: number, offsetDelta = 0): Buffer {
  const front = Buffer.concat([
    Buffer.from([0]),
    varint(0),
    varint(offsetDelta),
    varint(-1),
    varint(valueBytes),
  ]);
  return Buffer.concat([varint(front.length + valueBytes + 1), front]);
}

/** One message of so many MiB, all zeros, in gzip: a thousandth of it on the wire. */
export async function gzipBomb(mib: number): Promise<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED + 5 });
  const packed: Buffer[] = [];
  gzip.on('data', (piece: Buffer) => void packed.push(piece));
  gzip.write(frontOf(mib * MIB));
  for (let at = 0; at < mib; at++) if (!gzip.write(PIECE)) await once(gzip, 'drain');
  gzip.end(Buffer.from([0]));
  await once(gzip, 'end');
  return recordBatch(Buffer.concat(packed), { attributes: CODEC.gzip, count: 1 });
}

/** The same in zstd: one in thirty thousand. */
export function zstdBomb(mib: number): Buffer {
  const front = [...frontOf(mib * MIB)].map((byte) => [byte, 1] as const);
  const zeros = Array.from({ length: (mib * MIB) / RUN_BYTES }, () => [0, RUN_BYTES] as const);
  const packed = zstdRuns([...front, ...zeros, [0, 1]]);
  return recordBatch(packed, { attributes: CODEC.zstd, count: 1 });
}

/** The same in lz4, in blocks of 4 MiB: one in 255. */
export function lz4Bomb(mib: number): Buffer {
  const front = frontOf(mib * MIB);
  const blocks = Array.from({ length: mib / 4 }, () => lz4Zeros(4 * MIB));
  const packed = Buffer.concat([
    Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]),
    plainBlock(front),
    ...blocks,
    plainBlock(Buffer.from([0])),
    Buffer.alloc(4),
  ]);
  return recordBatch(packed, { attributes: CODEC.lz4, count: 1 });
}

/** An LZ4 block of zeros: a literal, a match of the rest but five, and five literals, as the format wants it. */
function lz4Zeros(bytes: number): Buffer {
  const match = bytes - 1 - 5 - 4 - 15;
  const lengths = Buffer.alloc(Math.floor(match / 255) + 1, 255);
  lengths[lengths.length - 1] = match % 255;
  const block = Buffer.concat([
    Buffer.from([0x1f, 0, 1, 0]),
    lengths,
    Buffer.from([0x50, 0, 0, 0, 0, 0]),
  ]);
  return Buffer.concat([int32(block.length), block]);
}

const plainBlock = (bytes: Buffer): Buffer =>
  Buffer.concat([int32((0x8000_0000 | bytes.length) >>> 0), bytes]);

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
