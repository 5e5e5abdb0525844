import type { UnreadFault } from './backlog.ts';

/** Why a batch is not read: a limit, or bytes that are not what the format says. */
export class Unread extends Error {
  readonly fault: UnreadFault;

  constructor(fault: UnreadFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

export const unreadable = (message: string): Unread => new Unread('batch_unreadable', message);

/** A length is a 32-bit number. */
const MAX_LENGTH_BYTES = 5;
/** Of the tenth byte, the last that a 64-bit number has. */
const MAX_FACTOR = 2 ** 63;

/** Goes through the fields of a record. @throws Unread where a field does not end before `end` */
export class RecordCursor {
  bytes: Buffer;
  at: number;
  end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Goes on in other bytes: one cursor serves many records. */
  over(bytes: Buffer, at: number, end: number): this {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    return this;
  }

  /** The varint before a record; `undefined` where the bytes end within it. */
  length(): number | undefined {
    this.end = this.bytes.length;
    let last = this.at;
    while (last < this.end && (this.bytes[last] as number) >= 0x80) last++;
    if (last - this.at >= MAX_LENGTH_BYTES) throw unreadable('a record has no length');
    return last < this.end ? this.varint() : undefined;
  }

  /** A zigzag varint of up to 64 bits; beyond what a number holds exactly, the nearest. */
  varint(): number {
    let byte = this.#next();
    let value = byte & 0x7f;
    for (let factor = 128; byte >= 0x80; factor *= 128) {
      if (factor > MAX_FACTOR) throw unreadable('a number has more than 64 bits');
      byte = this.#next();
      value += (byte & 0x7f) * factor;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Bytes behind their length; `null` for length -1. */
  sized(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    this.#pass(length);
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** Passes over bytes behind their length, and answers how many they are; none for length -1. */
  skipSized(): number {
    const length = Math.max(0, this.varint());
    this.#pass(length);
    return length;
  }

  #pass(length: number): void {
    this.at += length;
    if (!(this.at <= this.end)) throw unreadable('a record ends in the middle of a field');
  }

  #next(): number {
    if (this.at >= this.end) throw unreadable('a record ends in the middle of a number');
    return this.bytes[this.at++] as number;
  }
}
