/**
 * Memory for messages that wait to be stored: a few large buffers, used again, instead of one small
 * one for each message. It keeps the garbage collector out of the way and the size known.
 */
export const CHUNK_BYTES = 1 << 20;

export interface Chunk {
  readonly bytes: Buffer;
  used: number;
  /** Rows that still point into it. At none, and when no more are coming, it goes back. */
  rows: number;
  open: boolean;
}

export class ChunkPool {
  readonly #free: Buffer[] = [];
  readonly #maxFree: number;

  constructor(maxFreeBytes: number) {
    this.#maxFree = Math.floor(maxFreeBytes / CHUNK_BYTES);
  }

  /** A chunk with room for `size` bytes at least; one of its own for an outsized message. */
  open(size: number): Chunk {
    const bytes =
      size > CHUNK_BYTES
        ? Buffer.allocUnsafeSlow(size)
        : (this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES));
    return { bytes, used: 0, rows: 0, open: true };
  }

  /** No more rows will be written to it. */
  close(chunk: Chunk): void {
    chunk.open = false;
    this.#recycle(chunk);
  }

  /** A row that pointed into it is done with. */
  release(chunk: Chunk): void {
    chunk.rows--;
    this.#recycle(chunk);
  }

  #recycle(chunk: Chunk): void {
    if (chunk.open || chunk.rows > 0) return;
    if (chunk.bytes.length === CHUNK_BYTES && this.#free.length < this.#maxFree) {
      this.#free.push(chunk.bytes);
    }
  }
}
