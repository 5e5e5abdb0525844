/**
 * What producers in other languages compress with, and brokers with a `compression.type` of their own.
 * The Kafka client brings gzip; these are the rest. Loaded when the first such message comes.
 * https://kafka.apache.org/documentation/#recordbatch
 */
import zlib from 'node:zlib';

type Decompress = (bytes: Buffer) => Promise<Buffer>;

/** Before each block of what Java's client writes: magic, version, lowest compatible version. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** Blocks with their lengths, as Java frames them; or a single one, as everybody else writes it. */
export const snappy: Decompress = async (bytes) => {
  const { uncompress } = await import('snappy');
  const whole = async (block: Buffer): Promise<Buffer> =>
    Buffer.from(await uncompress(block, { asBuffer: true }));
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return whole(bytes);
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const start = at + 4;
    at = start + bytes.readUInt32BE(at);
    blocks.push(await whole(bytes.subarray(start, at)));
  }
  return Buffer.concat(blocks);
};

export const lz4: Decompress = async (bytes) => (await import('lz4-napi')).decompressFrame(bytes);

/** Node has its own from 22.15 and 23.8 on; the types here are those of Node 20. */
type NodeZstd = (bytes: Buffer) => Buffer;
const nodeZstd = Reflect.get(zlib, 'zstdDecompressSync') as NodeZstd | undefined;

export const zstd: Decompress = async (bytes) => {
  if (nodeZstd !== undefined) return nodeZstd(bytes);
  const { decompress } = await import('fzstd');
  const plain = decompress(bytes);
  return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
};
