/**
 * Whether a message is exactly one JSON object, so that columns can be spliced over its closing
 * brace. A message holding two objects would store two rows, the second with any offset it likes.
 *
 * Only the framing is checked: strings end, brackets match, the first one closes at the very end.
 * What stands between them is the engine's to judge, because it reports such a fault at its own row.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Deeper messages are refused: the engine's own parser stops at 1,000 levels. */
const MAX_DEPTH = 1_000;

const closers = new Uint8Array(MAX_DEPTH);

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

const isHexDigit = (byte: number | undefined): boolean =>
  byte !== undefined &&
  ((byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x46) ||
    (byte >= 0x61 && byte <= 0x66));

/**
 * The index of the closing brace when `bytes` is one object (white space around it is allowed),
 * otherwise -1.
 *
 * @example
 * closingBrace(Buffer.from('{"a":1}'));          // 6
 * closingBrace(Buffer.from('{"a":1}{"a":2}'));   // -1
 */
export function closingBrace(bytes: Uint8Array): number {
  const brace = firstObjectEnd(bytes);
  for (let i = brace + 1; i < bytes.length; i++) if (!isSpace(bytes[i])) return -1;
  return brace;
}

/** Where the object that `bytes` begins with ends, whatever follows it; -1 when there is none. */
export function firstObjectEnd(bytes: Uint8Array): number {
  let i = 0;
  while (isSpace(bytes[i])) i++;
  if (bytes[i] !== OPEN_BRACE) return -1;

  let depth = 0;
  for (; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      i = closingQuote(bytes, i);
      if (i < 0) return -1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === MAX_DEPTH) return -1;
      closers[depth++] = byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (closers[--depth] !== byte) return -1;
      if (depth === 0) return i;
    } else if (byte === BACKSLASH) {
      // No JSON has one here. But where the engine reads an object or array as text, it lets a
      // backslash outside strings escape a quote, and so sees another end of it than we do: the
      // second way in which a row was smuggled in.
      return -1;
    }
  }
  return -1;
}

function closingQuote(bytes: Uint8Array, opening: number): number {
  for (let i = opening + 1; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) return i;
    if (byte !== BACKSLASH) continue;
    i++;
    // The engine takes the four bytes after \u without looking whether they are hex digits. A quote
    // among them would end the string for us and not for the engine: that is how a second row could
    // be smuggled in.
    if (bytes[i] === LETTER_U) {
      for (let digit = 1; digit <= 4; digit++) if (!isHexDigit(bytes[i + digit])) return -1;
      i += 4;
    }
  }
  return -1;
}
