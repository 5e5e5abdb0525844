/**
 * Where zstd frames begin and end, and how much memory each wants, without unpacking anything: for a decoder
 * that takes what a frame asks for. https://www.rfc-editor.org/rfc/rfc8878#name-zstandard-frames. Pure.
 */
const MAGIC = 0xfd2fb528;
/** The last four bits may be any: frames to pass over. */
const SKIPPABLE = 0x184d2a50;
const MAX_BLOCK_BYTES = 128 * 1024;
const REPEATED = 1;
const RESERVED = 3;

export interface ZstdFrame {
  readonly bytes: Buffer;
  /** How far back it may look. */
  readonly windowBytes: number;
  /** What it says that it unpacks to; `undefined` where it does not say. */
  readonly contentBytes: number | undefined;
}

/** @throws RangeError for anything that is no frame, or ends within one */
export function* zstdFrames(bytes: Buffer): Generator<ZstdFrame> {
  for (let at = 0; at < bytes.length;) {
    const magic = bytes.readUInt32LE(at);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== MAGIC) throw new RangeError('no zstd frame');
    const descriptor = bytes.readUInt8(at + 4);
    const single = (descriptor & 0x20) !== 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 0x3] ?? 0;
    const sizeBytes = descriptor >> 6 === 0 ? Number(single) : 2 ** (descriptor >> 6);
    const sizeAt = at + 5 + (single ? 0 : 1) + dictionaryBytes;
    const contentBytes = sizeBytes === 0 ? undefined : contentSize(bytes, sizeAt, sizeBytes);
    const windowBytes = single ? (contentBytes ?? 0) : windowSize(bytes.readUInt8(at + 5));
    const end = blocksEnd(bytes, sizeAt + sizeBytes) + (descriptor & 0x4 ? 4 : 0);
    if (end > bytes.length) throw new RangeError('a zstd frame is cut');
    yield { bytes: bytes.subarray(at, end), windowBytes, contentBytes };
    at = end;
  }
}

function contentSize(bytes: Buffer, at: number, width: number): number {
  if (width === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, width) + (width === 2 ? 256 : 0);
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 0x7);
}

function blocksEnd(bytes: Buffer, from: number): number {
  for (let at = from; ;) {
    const header = bytes.readUIntLE(at, 3);
    const type = (header >> 1) & 0x3;
    const size = header >> 3;
    if (type === RESERVED || size > MAX_BLOCK_BYTES) throw new RangeError('no zstd block');
    at += 3 + (type === REPEATED ? 1 : size);
    if (at > bytes.length) throw new RangeError('a zstd block is cut');
    if ((header & 1) === 1) return at;
  }
}
