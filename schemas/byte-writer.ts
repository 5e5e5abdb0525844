/** Anything but what a JSON string holds as it is: quote, backslash, controls, surrogates. */
const NEEDS_CARE = /[^\u0020\u0021\u0023-\u005b\u005d-\ud7ff\ue000-\uffff]/;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** Up to here a loop over characters beats a call into the engine. */
const SHORT = 40;
const QUOTE = 34;
const BACKSLASH = 92;
const DASH = 45;
const FIRST_PRINTABLE = 32;
const LAST_ASCII = 126;

/** Between two events the writer keeps no more than this. */
const KEPT_BYTES = 262_144;

/**
 * JSON in UTF-8, written straight into bytes. Joining strings instead costs two to three times as
 * much: the engine keeps them as a tree that must be flattened and then encoded.
 */
export class ByteWriter {
  bytes = Buffer.allocUnsafeSlow(KEPT_BYTES);
  at = 0;

  restart(): void {
    this.at = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(KEPT_BYTES);
  }

  /** What has been written, as bytes of its own. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.at);
    this.bytes.copy(copy, 0, 0, this.at);
    return copy;
  }

  /** A copy of what has been written since `start`. */
  since(start: number): Uint8Array {
    return new Uint8Array(this.bytes.subarray(start, this.at));
  }

  /** Text that is ASCII and needs no escapes: punctuation, keys of ours, numbers, UUIDs. */
  ascii(text: string): void {
    const { length } = text;
    this.reserve(length);
    const { bytes } = this;
    let { at } = this;
    for (let index = 0; index < length; index++) bytes[at++] = text.charCodeAt(index);
    this.at = at;
  }

  /** Bytes prepared beforehand. */
  prepared(part: Uint8Array): void {
    this.reserve(part.length);
    this.bytes.set(part, this.at);
    this.at += part.length;
  }

  /**
   * A UUID as a JSON string, from its 36 characters or its 32 digits; false, and nothing written,
   * for anything else. Checking and writing are one loop, since ids are a fifth of a row.
   */
  uuid(text: string): boolean {
    const dashes = text.length === 36 ? 1 : 0;
    if (text.length !== 32 + 4 * dashes) return false;
    this.reserve(38);
    const { bytes } = this;
    let { at } = this;
    bytes[at++] = QUOTE;
    for (let index = 0, digits = 0; digits < 32; digits++) {
      if (digits === 8 || digits === 12 || digits === 16 || digits === 20) {
        if (dashes === 1 && text.charCodeAt(index++) !== DASH) return false;
        bytes[at++] = DASH;
      }
      const code = text.charCodeAt(index++);
      const isDigit = (code >= 48 && code <= 57) || (code >= 97 && code <= 102);
      if (!isDigit && !(code >= 65 && code <= 70)) return false;
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.at = at;
    return true;
  }

  /**
   * A JSON string. Lone surrogates become U+FFFD: they have no UTF-8 form, and ClickHouse refuses
   * the `\ud800` that JSON.stringify would write.
   */
  quoted(text: string): void {
    const { length } = text;
    if (length > SHORT) return this.#quotedWithCare(text);
    this.reserve(length + 2);
    const { bytes } = this;
    let { at } = this;
    bytes[at++] = QUOTE;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code < FIRST_PRINTABLE || code === QUOTE || code === BACKSLASH || code > LAST_ASCII) {
        return this.#quotedWithCare(text);
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.at = at;
  }

  #quotedWithCare(text: string): void {
    const json = NEEDS_CARE.test(text)
      ? JSON.stringify(text.replace(LONE_SURROGATE, '\ufffd'))
      : `"${text}"`;
    this.reserve(json.length * 3);
    this.at += this.bytes.write(json, this.at, 'utf8');
  }

  /**
   * Makes what was written since `start`, which is JSON, into the inside of a JSON string. JSON has
   * no raw control characters, so only quotes and backslashes need one more backslash each; they
   * are moved in from behind, in place.
   */
  escapeFrom(start: number): void {
    const { at: end } = this;
    let escapes = 0;
    for (let index = start; index < end; index++) {
      const byte = this.bytes[index];
      if (byte === QUOTE || byte === BACKSLASH) escapes++;
    }
    if (escapes === 0) return;
    this.reserve(escapes);
    const { bytes } = this;
    let to = end + escapes;
    this.at = to;
    for (let from = end - 1; from >= start; from--) {
      const byte = bytes[from] as number;
      bytes[--to] = byte;
      if (byte === QUOTE || byte === BACKSLASH) bytes[--to] = BACKSLASH;
    }
  }

  /** Puts ASCII text before what was written since `start`. */
  insertAt(start: number, text: string): void {
    this.reserve(text.length);
    this.bytes.copyWithin(start + text.length, start, this.at);
    this.bytes.write(text, start, 'latin1');
    this.at += text.length;
  }

  reserve(more: number): void {
    if (this.at + more > this.bytes.length) this.#grow(this.at + more);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}
