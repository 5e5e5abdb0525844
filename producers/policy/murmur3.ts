/**
 * MurmurHash3's 32-bit variant with seed 0 (Austin Appleby, public domain), over the text's UTF-8:
 * the same number as in other languages' libraries and as ClickHouse's `murmurHash3_32`.
 */
export const murmur3 = (text: string): number => signedMurmur3(text) >>> 0;

/** The same 32 bits as a signed integer: those above 2³¹ Node would have to allocate. */
function signedMurmur3(text: string): number {
  const { length } = text;
  const whole = length & ~3;
  let hash = 0;
  // Four characters at a time: this stands in the way of every sampled event.
  for (let at = 0; at < whole; at += 4) {
    const a = text.charCodeAt(at);
    const b = text.charCodeAt(at + 1);
    const c = text.charCodeAt(at + 2);
    const d = text.charCodeAt(at + 3);
    if ((a | b | c | d) > 0x7f) return ofBytes(Buffer.from(text));
    hash = mixed(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let tail = 0;
  for (let at = whole; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return ofBytes(Buffer.from(text));
    tail |= code << ((at & 3) * 8);
  }
  return finished(hash, tail, length);
}

function ofBytes(bytes: Buffer): number {
  let hash = 0;
  let block = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    block |= (bytes[at] as number) << ((at & 3) * 8);
    if ((at & 3) !== 3) continue;
    hash = mixed(hash, block);
    block = 0;
  }
  return finished(hash, block, bytes.length);
}

const scrambled = (block: number): number => {
  const once = Math.imul(block, 0xcc9e2d51);
  return Math.imul((once << 15) | (once >>> 17), 0x1b873593);
};

function mixed(hash: number, block: number): number {
  const next = hash ^ scrambled(block);
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

/** The bytes that fill no block, the length, and an avalanche over all bits. */
function finished(hash: number, tail: number, length: number): number {
  let last = hash ^ scrambled(tail) ^ length;
  last = Math.imul(last ^ (last >>> 16), 0x85ebca6b);
  last = Math.imul(last ^ (last >>> 13), 0xc2b2ae35);
  return last ^ (last >>> 16);
}
