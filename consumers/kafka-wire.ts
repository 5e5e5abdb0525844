/** The pieces of which Kafka's requests and answers are made, in the flexible versions (KIP-482). Pure. */

export function unsignedVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Buffer.from(bytes);
}

export function compactString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([unsignedVarint(bytes.length + 1), bytes]);
}

/** Reads an answer from front to back. @throws RangeError where it ends too early */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(count: number): void {
    this.#at += count;
  }

  take(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) {
      throw new RangeError("Kafka's answer ends too early");
    }
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }

  int16(): number {
    return this.take(2).readInt16BE(0);
  }

  int32(): number {
    return this.take(4).readInt32BE(0);
  }

  int64(): number {
    return Number(this.take(8).readBigInt64BE(0));
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** Also for bytes, which are written alike; empty for null. */
  compactString(): string {
    const length = this.unsignedVarint();
    return length > 1 ? this.take(length - 1).toString() : '';
  }

  compactArray<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.unsignedVarint() - 1) }, read);
  }

  /** Tagged fields; `read` may take the one it knows, the others are passed over. */
  tags(read: (tag: number, field: WireReader) => void = () => undefined): void {
    for (let count = this.unsignedVarint(); count > 0; count--) {
      const tag = this.unsignedVarint();
      read(tag, new WireReader(this.take(this.unsignedVarint())));
    }
  }
}
