import type { RecordText } from './record-texts.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);
const CLOSE_LIST = 0x5d;

/**
 * Cuts a JSON list into the texts of its items without parsing them, and holds one item at most. An
 * item ends at a comma, or at the list's end, outside of strings and brackets; whether it is JSON is
 * for the reader to say.
 *
 * @param skip bytes up to and with the list's opening bracket, all within the first chunk
 */
export async function* arrayItems(
  source: AsyncIterable<Buffer>,
  skip: number,
  maxItemBytes: number,
): AsyncGenerator<RecordText> {
  const item = new Item(maxItemBytes);
  let depth = 0;
  let inString = false;
  let escaped = false;
  let at = skip;
  for await (const chunk of source) {
    let from = at;
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) {
        inString = true;
      } else if (depth > 0) {
        if (OPEN.has(byte)) depth += 1;
        else if (CLOSE.has(byte)) depth -= 1;
      } else if (OPEN.has(byte)) {
        depth = 1;
      } else if (byte === COMMA || byte === CLOSE_LIST) {
        item.add(chunk.subarray(from, at));
        from = at + 1;
        const done = item.take(byte === COMMA);
        if (done) yield done;
        if (byte === CLOSE_LIST) return;
      }
    }
    item.add(chunk.subarray(from));
    at = 0;
  }
  yield { index: item.index, fault: 'is cut off: the file ends within its list of records' };
}

class Item {
  index = 1;
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  /** The item so far; nothing where the list ends behind a comma or is empty. */
  take(more: boolean): RecordText | undefined {
    const { index } = this;
    const tooLarge = this.#bytes > this.#maxBytes;
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    if (tooLarge) {
      this.index += 1;
      return { index, fault: `is larger than ${this.#maxBytes} bytes` };
    }
    if (!more && bytes.toString('utf8').trim() === '') return undefined;
    this.index += 1;
    return { index, bytes };
  }
}
