import { Fifo } from '../fifo.ts';

/** The streams of a process, by what stands before their lines. */
const MARKERS = { stdout: 'out| ', stderr: 'err| ' } as const;

/**
 * What a process wrote, in the order it came, each line marked with its stream: the first lines and
 * the last, and how much between them was left out. Sizes are in characters.
 */
export class BoundedOutput {
  readonly #head: string[] = [];
  readonly #tail = new Fifo<string>();
  readonly #tailSize: number;
  #headLeft: number;
  #tailUsed = 0;
  #omitted = 0;

  constructor(headSize: number, tailSize: number) {
    this.#headLeft = headSize;
    this.#tailSize = tailSize;
  }

  add(stream: keyof typeof MARKERS, line: string): void {
    const marked = `${MARKERS[stream]}${line}\n`;
    if (marked.length <= this.#headLeft) {
      this.#headLeft -= marked.length;
      this.#head.push(marked);
      return;
    }
    this.#headLeft = 0;
    this.#tail.push(marked);
    this.#tailUsed += marked.length;
    while (this.#tailUsed > this.#tailSize) {
      const { length } = this.#tail.shift() ?? '';
      this.#tailUsed -= length;
      this.#omitted += length;
    }
  }

  /** Characters that were left out. */
  get omitted(): number {
    return this.#omitted;
  }

  text(): string {
    const gap = this.#omitted === 0 ? [] : [`… ${this.#omitted} characters left out …\n`];
    return [...this.#head, ...gap, ...this.#tail.takeAll()].join('');
  }
}
