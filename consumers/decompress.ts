/**
 * Unpacks a record batch piece by piece, so that nobody holds more of it than one piece: a few hundred bytes on
 * the wire may be gigabytes. Codecs are loaded when the first such batch comes.
 * https://kafka.apache.org/documentation/#recordbatch
 */
import zlib from 'node:zlib';
import { lz4Blocks } from './lz4-frame.ts';
import { Unread } from './record-cursor.ts';
import { zstdFrames } from './zstd-frames.ts';

/** Is given the unpacked bytes in order; where it throws, nothing more is unpacked. */
export type TakePiece = (piece: Buffer) => void;

/** `maxBytes` is what may be unpacked at once, where a codec has no smaller pieces. */
type Unpack = (packed: Buffer, take: TakePiece, maxBytes: number) => Promise<void> | void;

interface Codec {
  readonly name: string;
  /** Outside of what is caught: a library that is missing is no fault of the batch. */
  load(): Promise<Unpack>;
}

const PIECE_BYTES = 64 * 1024;

const tooLarge = (): Unread => new Unread('batch_too_large', 'a piece of it is larger');

async function throughStream(stream: zlib.Gunzip, packed: Buffer, take: TakePiece): Promise<void> {
  stream.end(packed);
  // Whoever throws here ends the stream too.
  for await (const piece of stream) take(piece as Buffer);
}

const gunzip: Unpack = (packed, take) =>
  throughStream(zlib.createGunzip({ chunkSize: PIECE_BYTES }), packed, take);

/** Before each block of what Java's client writes: magic, version, lowest compatible version. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** Blocks with their lengths, as Java frames them; or a single one, as everybody else writes it. */
function* snappyBlocks(packed: Buffer): Generator<Buffer> {
  if (!packed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    yield packed;
    return;
  }
  for (let at = XERIAL_HEADER_BYTES; at < packed.length;) {
    const start = at + 4;
    at = start + packed.readUInt32BE(at);
    if (at > packed.length) throw new RangeError('a snappy block is cut');
    yield packed.subarray(start, at);
  }
}

/** A block begins with what it unpacks to. https://github.com/google/snappy/blob/main/format_description.txt */
function snappySize(block: Buffer): number {
  let size = 0;
  for (let at = 0; at < 5; at++) {
    const byte = block.readUInt8(at);
    size += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return size;
  }
  throw new RangeError('a snappy block has no size');
}

async function loadSnappy(): Promise<Unpack> {
  const { uncompress } = await import('snappy');
  return async (packed, take, maxBytes) => {
    for (const block of snappyBlocks(packed)) {
      if (snappySize(block) > maxBytes) throw tooLarge();
      take(Buffer.from(await uncompress(block, { asBuffer: true })));
    }
  };
}

async function loadLz4(): Promise<Unpack> {
  const { uncompressSync } = await import('lz4-napi');
  return (packed, take) => {
    for (const { bytes, compressed, maxBytes } of lz4Blocks(packed)) {
      if (!compressed) {
        take(bytes);
        continue;
      }
      // The library wants the size in front, and takes it for the most that may come.
      const size = Buffer.alloc(4);
      size.writeUInt32LE(maxBytes);
      take(uncompressSync(Buffer.concat([size, bytes])));
    }
  };
}

/** Node has its own from 22.15 and 23.8 on; the types here are those of Node 20. */
type CreateDecompress = (options: zlib.ZlibOptions) => zlib.Gunzip;
const createZstdDecompress = Reflect.get(zlib, 'createZstdDecompress') as
  CreateDecompress | undefined;

/** What fzstd may be asked to look back over: it moves all of it with every block. Level 19 has 8 MiB. */
const MAX_WINDOW_BYTES = 16 * 1024 * 1024;
const ZSTD_INPUT_BYTES = 16 * 1024;

async function loadZstd(): Promise<Unpack> {
  if (createZstdDecompress !== undefined) {
    return (packed, take) =>
      throughStream(createZstdDecompress({ chunkSize: PIECE_BYTES }), packed, take);
  }
  const { decompress, Decompress } = await import('fzstd');
  return (packed, take, maxBytes) => {
    for (const { bytes, windowBytes, contentBytes } of zstdFrames(packed)) {
      if (contentBytes !== undefined) {
        if (contentBytes > maxBytes) throw tooLarge();
        take(asBuffer(decompress(bytes)));
        continue;
      }
      if (windowBytes > MAX_WINDOW_BYTES) throw tooLarge();
      const stream = new Decompress((piece) => take(asBuffer(piece)));
      for (let at = 0; at < bytes.length; at += ZSTD_INPUT_BYTES) {
        const end = at + ZSTD_INPUT_BYTES;
        stream.push(bytes.subarray(at, end), end >= bytes.length);
      }
    }
  };
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/** By Kafka's numbers. */
const CODECS: readonly (Codec | undefined)[] = [
  undefined,
  { name: 'gzip', load: () => Promise.resolve(gunzip) },
  { name: 'snappy', load: loadSnappy },
  { name: 'lz4', load: loadLz4 },
  { name: 'zstd', load: loadZstd },
];

/** `undefined` for a number that this version does not know. */
export const codecName = (codec: number): string | undefined => CODECS[codec]?.name;

const OUT_OF_MEMORY =
  /^(Z_MEM_ERROR|ZSTD_error_memory_allocation|ERR_MEMORY_ALLOCATION_FAILED|ERR_ZLIB_INITIALIZATION_FAILED)$/;

/**
 * Unpacks what `codec`, a number that {@link codecName} knows, has packed.
 *
 * @param maxBytes what may be unpacked at once, where a codec has no smaller pieces
 * @throws Unread where the bytes are not what the codec writes, or what `take` throws
 */
export async function unpack(
  codec: number,
  packed: Buffer,
  maxBytes: number,
  take: TakePiece,
): Promise<void> {
  const known = CODECS[codec];
  if (!known) throw new RangeError(`Kafka has no compression of number ${codec}`);
  const unpacking = await known.load();
  try {
    await unpacking(packed, take, maxBytes);
  } catch (error) {
    if (error instanceof Unread) throw error;
    const { code } = error as { code?: unknown };
    if (typeof code === 'string' && OUT_OF_MEMORY.test(code)) throw error;
    throw new Unread('batch_unreadable', `not what ${known.name} writes`);
  }
}

/** The same in one piece, of `maxBytes` at most. */
export async function unpackWhole(
  codec: number,
  packed: Buffer,
  maxBytes: number,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  await unpack(codec, packed, maxBytes, (piece) => {
    bytes += piece.length;
    if (bytes > maxBytes) throw tooLarge();
    pieces.push(piece);
  });
  return Buffer.concat(pieces);
}
