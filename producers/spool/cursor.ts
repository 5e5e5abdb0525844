import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Up to where a slot's records are settled: a place in its oldest segment. */
export interface Cursor {
  readonly segment: number;
  readonly offset: number;
}

export const CURSOR_FILE = 'cursor';
const BYTES = 12;

/** What {@link CursorFile} wrote last; undefined when it is not there or not whole. */
export function readCursor(folder: string): Cursor | undefined {
  try {
    const bytes = readFileSync(join(folder, CURSOR_FILE));
    if (bytes.length !== BYTES || crc32(bytes.subarray(0, 8)) !== bytes.readUInt32LE(8)) {
      return undefined;
    }
    return { segment: bytes.readUInt32LE(0), offset: bytes.readUInt32LE(4) };
  } catch {
    return undefined;
  }
}

/**
 * Remembers how far a slot is settled, so that a restart does not send everything again. It may
 * lag behind, and be lost: what is sent again is marked, and stored once.
 */
export class CursorFile {
  readonly #file: number;
  readonly #bytes = Buffer.alloc(BYTES);

  constructor(folder: string) {
    // Not emptied: what the last owner wrote holds until this one knows better.
    this.#file = openSync(join(folder, CURSOR_FILE), constants.O_WRONLY | constants.O_CREAT, 0o600);
  }

  write({ segment, offset }: Cursor): void {
    this.#bytes.writeUInt32LE(segment, 0);
    this.#bytes.writeUInt32LE(offset, 4);
    this.#bytes.writeUInt32LE(crc32(this.#bytes.subarray(0, 8)), 8);
    writeSync(this.#file, this.#bytes, 0, BYTES, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}
