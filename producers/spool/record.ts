import { crc32 } from 'node:zlib';
import type { OutboundMessage } from '../transport.ts';

/** What a segment begins with; the last byte is the version of everything that follows. */
export const SEGMENT_HEADER = Buffer.from('LLSPOOL1', 'latin1');

/** Length and CRC-32 of the body, as little-endian 32-bit numbers. */
const PREFIX_BYTES = 8;
/** Flags, and the lengths of id, category (8, 8, 8 bits) and key (24); the value takes what is left. */
const FIXED_BYTES = 6;
/** An event has 256 KiB at most: a longer body is a damaged length. */
const MAX_BODY_BYTES = 1024 * 1024;
/** It is only counted under: a longer name is cut. */
const MAX_CATEGORY_BYTES = 255;
const MAY_REPEAT = 1;

/** Writes records one after the other into the same bytes, so that `emit` allocates nothing large. */
export class RecordEncoder {
  #bytes = Buffer.allocUnsafe(4096);

  /** The record's bytes, good until the next call. */
  encode({ id, key, value, mayRepeat }: OutboundMessage, category: string): Buffer {
    const mostBytes =
      PREFIX_BYTES + FIXED_BYTES + (id.length + category.length + key.length) * 3 + value.length;
    if (this.#bytes.length < mostBytes) this.#bytes = Buffer.allocUnsafe(mostBytes * 2);
    const bytes = this.#bytes;
    let at = PREFIX_BYTES + FIXED_BYTES;
    const idBytes = bytes.write(id, at, 'latin1');
    at += idBytes;
    const categoryBytes = bytes.write(category, at, MAX_CATEGORY_BYTES, 'latin1');
    at += categoryBytes;
    const keyBytes = bytes.write(key, at);
    at += keyBytes;
    at += value.copy(bytes, at);
    bytes[PREFIX_BYTES] = mayRepeat ? MAY_REPEAT : 0;
    bytes[PREFIX_BYTES + 1] = idBytes;
    bytes[PREFIX_BYTES + 2] = categoryBytes;
    // A target's id may be as long as an event: 16 bits are too few.
    bytes[PREFIX_BYTES + 3] = keyBytes >>> 16;
    bytes.writeUInt16LE(keyBytes & 0xffff, PREFIX_BYTES + 4);
    bytes.writeUInt32LE(at - PREFIX_BYTES, 0);
    bytes.writeUInt32LE(crc32(bytes.subarray(PREFIX_BYTES, at)), 4);
    return bytes.subarray(0, at);
  }
}

/** What stands at a place of a segment. */
type Decoded =
  | {
      readonly status: 'record';
      readonly event: OutboundMessage;
      readonly category: string;
      readonly end: number;
    }
  /** It would end there, behind the bytes at hand. */
  | { readonly status: 'incomplete'; readonly end: number }
  | { readonly status: 'damaged' };

const DAMAGED: Decoded = { status: 'damaged' };

/** Reads the record at `at`. It shares no memory with `bytes`. Pure. */
export function decodeRecord(bytes: Buffer, at: number): Decoded {
  const bodyAt = at + PREFIX_BYTES;
  if (bodyAt > bytes.length) return { status: 'incomplete', end: bodyAt };
  const bodyBytes = bytes.readUInt32LE(at);
  if (bodyBytes < FIXED_BYTES || bodyBytes > MAX_BODY_BYTES) return DAMAGED;
  const end = bodyAt + bodyBytes;
  if (end > bytes.length) return { status: 'incomplete', end };
  if (crc32(bytes.subarray(bodyAt, end)) !== bytes.readUInt32LE(at + 4)) return DAMAGED;
  const idAt = bodyAt + FIXED_BYTES;
  const categoryAt = idAt + bytes.readUInt8(bodyAt + 1);
  const keyAt = categoryAt + bytes.readUInt8(bodyAt + 2);
  const keyBytes = (bytes.readUInt8(bodyAt + 3) << 16) | bytes.readUInt16LE(bodyAt + 4);
  const valueAt = keyAt + keyBytes;
  if (valueAt > end) return DAMAGED;
  const category = bytes.toString('latin1', categoryAt, keyAt);
  // Its own memory: an event that waits for long would keep all of `bytes` with it.
  const value = Buffer.allocUnsafeSlow(end - valueAt);
  bytes.copy(value, 0, valueAt, end);
  const event: OutboundMessage = {
    id: bytes.toString('latin1', idAt, categoryAt),
    key: bytes.toString('utf8', keyAt, valueAt),
    value,
    mayRepeat: ((bytes[bodyAt] as number) & MAY_REPEAT) !== 0,
  };
  return { status: 'record', event, category, end };
}
