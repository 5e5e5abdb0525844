/** "00" … "ff". */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A seeded source of chance (mulberry32): every run of a bench sees the same events. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 random bits. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** At least 0, below 1. */
  fraction(): number {
    return this.bits() / 4294967296;
  }

  /** 0 … below - 1, all equally likely. */
  below(below: number): number {
    return Math.floor(this.fraction() * below);
  }

  /** 0 … below - 1, the first the most frequent, as tenants, users and their things are. */
  skewed(below: number): number {
    return Math.min(below - 1, Math.floor(Math.exp(this.fraction() * Math.log(below + 1))) - 1);
  }

  /** About exponential with this mean: durations, sizes. */
  around(mean: number): number {
    return Math.round(-Math.log(1 - this.fraction()) * mean);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  of<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('Nothing to choose from');
    return item;
  }

  /** Four random bytes as text. */
  hex8(): string {
    const bits = this.bits();
    return (
      (HEX[bits >>> 24] as string) +
      (HEX[(bits >>> 16) & 255] as string) +
      (HEX[(bits >>> 8) & 255] as string) +
      (HEX[bits & 255] as string)
    );
  }

  hex32(): string {
    return this.hex8() + this.hex8() + this.hex8() + this.hex8();
  }

  /** A random UUID, version 4. */
  uuid(): string {
    const hex = this.hex32();
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}
