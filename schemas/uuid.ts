import { createHash, randomFillSync } from 'node:crypto';

/** An id on its way: dashes, version and variant stay, digits are written over. */
const TEXT = Buffer.from('00000000-0000-7000-8000-000000000000', 'latin1');
const DIGITS = Buffer.from('0123456789abcdef', 'latin1');

/** Asking the kernel for each id would cost more than the rest of it. */
const POOL = new Uint8Array(8192);
let poolAt = POOL.length;

let lastMs = 0;
let counter = 0;

/** The two digits of a byte; an index is always inside, which the compiler cannot know. */
function writeByte(at: number, byte: number): void {
  TEXT[at] = DIGITS[byte >>> 4] as number;
  TEXT[at + 1] = DIGITS[byte & 15] as number;
}

const random = (): number => POOL[poolAt++] as number;

/** A new millisecond's counter starts in its lower half, so that it has room for 2,048 ids and more. */
function startMillisecond(ms: number): void {
  lastMs = ms;
  // Eight digits, a dash, four digits.
  TEXT.write(Math.floor(ms).toString(16).padStart(12, '0'), 0, 12, 'latin1');
  TEXT.copyWithin(9, 8, 12);
  TEXT.write('-', 8, 'latin1');
  counter = ((random() << 8) | random()) & 0x7ff;
}

/**
 * A UUID version 7 (RFC 9562, section 5.7), strictly greater as text than any before it in this
 * process: also when the clock steps back, and however many are made within a millisecond (its
 * counter, section 6.2 method 1; when it is used up the timestamp runs ahead of the clock).
 *
 * @example
 * uuidv7(); // '019ab1c2-7d3e-7a41-9c0f-2b6a51d8e7f4'
 */
export function uuidv7(now: number = Date.now()): string {
  if (poolAt > POOL.length - 10) {
    randomFillSync(POOL);
    poolAt = 0;
  }
  if (now > lastMs) startMillisecond(now);
  else if (++counter > 0xfff) startMillisecond(lastMs + 1);
  TEXT[15] = DIGITS[counter >>> 8] as number;
  writeByte(16, counter & 0xff);
  writeByte(19, (random() & 0x3f) | 0x80);
  writeByte(21, random());
  for (let at = 24; at < 36; at += 2) writeByte(at, random());
  // Whole at once: a text joined from pieces is flattened by whoever reads it, which costs as much again.
  return TEXT.toString('latin1');
}

/**
 * The UUID version 5 (RFC 9562, section 5.5) of a name within a namespace: the same name always
 * gives the same id, so that importing a source twice stores nothing twice.
 *
 * Throws a TypeError when the namespace is no UUID.
 *
 * @example
 * uuidv5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com');
 * // '2ed6657d-e927-568b-95e1-2665a8aea6a2'
 */
export function uuidv5(namespace: string, name: string): string {
  const space = Buffer.from(namespace.replaceAll('-', ''), 'hex');
  if (space.length !== 16) throw new TypeError('The namespace of a UUIDv5 must be a UUID.');
  const digest = createHash('sha1').update(space).update(name, 'utf8').digest();
  digest[6] = ((digest[6] as number) & 0x0f) | 0x50;
  digest[8] = ((digest[8] as number) & 0x3f) | 0x80;
  const text = digest.toString('hex', 0, 16);
  return [
    text.slice(0, 8),
    text.slice(8, 12),
    text.slice(12, 16),
    text.slice(16, 20),
    text.slice(20),
  ].join('-');
}
