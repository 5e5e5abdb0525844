/** The beginning of a stream, in a bounded number of bytes. */
export class FirstBytes {
  readonly #chunks: Buffer[] = [];
  #left: number;
  isFull = false;

  constructor(maxBytes: number) {
    this.#left = maxBytes;
  }

  add(chunk: Buffer): void {
    if (chunk.length > this.#left) this.isFull = true;
    if (this.#left === 0) return;
    const taken = chunk.subarray(0, this.#left);
    this.#left -= taken.length;
    this.#chunks.push(taken);
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
