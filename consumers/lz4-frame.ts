/**
 * The blocks of an LZ4 frame, one by one: the frame's own decoder answers with all of them at once, however many.
 * Kafka has frames of independent blocks without a dictionary; its brokers refuse others.
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. Pure.
 */
const MAGIC = 0x184d2204;
const VERSION = 0x40;
const INDEPENDENT = 0x20;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const DICTIONARY = 0x01;
/** Of a block's size: it is not compressed. */
const PLAIN_BIT = 0x8000_0000;

export interface Lz4Block {
  readonly bytes: Buffer;
  readonly compressed: boolean;
  /** Bytes that it unpacks to at most: 64 KiB to 4 MiB. */
  readonly maxBytes: number;
}

/** @throws RangeError for anything that is no such frame, or ends within it */
export function* lz4Blocks(frame: Buffer): Generator<Lz4Block> {
  const flags = frame.readUInt8(4);
  const known = (flags & 0xc0) === VERSION && (flags & INDEPENDENT) !== 0;
  if (frame.readUInt32LE(0) !== MAGIC || !known || (flags & DICTIONARY) !== 0) {
    throw new RangeError('no LZ4 frame of independent blocks');
  }
  const maxBytes = 2 ** (8 + 2 * ((frame.readUInt8(5) >> 4) & 0x7));
  // Behind the descriptor stands its checksum, which the batch's own covers.
  let at = 6 + (flags & CONTENT_SIZE ? 8 : 0) + 1;
  for (;;) {
    const word = frame.readUInt32LE(at);
    at += 4;
    if (word === 0) return;
    const end = at + (word % PLAIN_BIT);
    if (end > frame.length) throw new RangeError('an LZ4 frame ends in the middle of a block');
    yield { bytes: frame.subarray(at, end), compressed: word < PLAIN_BIT, maxBytes };
    at = end + (flags & BLOCK_CHECKSUM ? 4 : 0);
  }
}
