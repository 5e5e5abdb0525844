import { createHash, randomFillSync } from 'node:crypto';

/** "00" … "ff": text of a byte without formatting it. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** The 12 bits between version and variant, with the version's digit: "7000" … "7fff". */
const VERSION_AND_COUNTER = Array.from(
  { length: 4096 },
  (_, counter) => `7${counter.toString(16).padStart(3, '0')}`,
);

/** Asking the kernel for each id would cost more than the rest of it. */
const POOL = new Uint8Array(8192);
let poolAt = POOL.length;

let lastMs = 0;
let counter = 0;
let prefix = '';

/** A new millisecond's counter starts in its lower half, so that it has room for 2,048 ids and more. */
function startMillisecond(ms: number): void {
  lastMs = ms;
  const hex = ms.toString(16).padStart(12, '0');
  prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-`;
  counter = ((byte(0) << 8) | byte(1)) & 0x7ff;
  poolAt += 2;
}

/** The pool's byte; the index is always inside, which the compiler cannot know. */
const byte = (index: number): number => POOL[poolAt + index] as number;
const hex = (value: number): string => HEX[value] as string;

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
  const id =
    prefix +
    (VERSION_AND_COUNTER[counter] as string) +
    '-' +
    hex((byte(0) & 0x3f) | 0x80) +
    hex(byte(1)) +
    '-' +
    hex(byte(2)) +
    hex(byte(3)) +
    hex(byte(4)) +
    hex(byte(5)) +
    hex(byte(6)) +
    hex(byte(7));
  poolAt += 8;
  return id;
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
