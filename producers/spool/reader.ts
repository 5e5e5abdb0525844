import { open, type FileHandle } from 'node:fs/promises';
import type { OutboundMessage } from '../transport.ts';
import { decodeRecord, SEGMENT_HEADER } from './record.ts';
import type { Segment } from './segment.ts';

/** A read of nothing would find nothing, and look like the end of the file. */
const LEAST_BYTES = 4096;

/** How much one read may bring into memory. One record it always brings, if there is one. */
export interface ReadLimits {
  readonly events: number;
  readonly bytes: number;
}

interface ReadRecord {
  readonly event: OutboundMessage;
  readonly category: string;
  readonly end: number;
}

interface Chunk {
  readonly records: readonly ReadRecord[];
  /** Behind these nothing whole follows: the end of a write that was cut short, or damage. */
  readonly torn: boolean;
}

/** Reads the records of one segment after the other, in chunks. */
export class SegmentReader {
  #open: { readonly path: string; readonly file: FileHandle } | undefined;

  /** The records behind the segment's `readTo`. Rejects when the file cannot be read. */
  async read(segment: Segment, limits: ReadLimits): Promise<Chunk> {
    const file = await this.#fileOf(segment.path);
    const { readTo: from, size } = segment;
    if (from === SEGMENT_HEADER.length) {
      const header = await bytesOf(file, 0, SEGMENT_HEADER.length);
      if (header.length < SEGMENT_HEADER.length) return { records: [], torn: true };
      if (!header.equals(SEGMENT_HEADER)) throw new Error('it is of another version of the spool');
    }
    let want = Math.min(Math.max(limits.bytes, LEAST_BYTES), size - from);
    for (;;) {
      const bytes = await bytesOf(file, from, want);
      const chunk = recordsIn(bytes, from, limits.events);
      const { records, needs, damaged } = chunk;
      if (records.length > 0) {
        const atEnd = bytes.length === size - from;
        return { records, torn: damaged || (atEnd && needs !== undefined) };
      }
      // A record larger than the chunk is read again, whole; unless the file ends before it does.
      if (needs === undefined || needs > size - from || bytes.length < want) {
        return { records: [], torn: true };
      }
      want = needs;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close();
  }

  async #fileOf(path: string): Promise<FileHandle> {
    if (this.#open?.path !== path) {
      await this.close();
      this.#open = { path, file: await open(path, 'r') };
    }
    return this.#open.file;
  }
}

async function bytesOf(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, position + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

interface Records {
  readonly records: ReadRecord[];
  /** How many bytes the next record would have needed, where it was not whole. */
  readonly needs: number | undefined;
  readonly damaged: boolean;
}

function recordsIn(bytes: Buffer, from: number, most: number): Records {
  const records: ReadRecord[] = [];
  let at = 0;
  while (at < bytes.length && records.length < Math.max(1, most)) {
    const decoded = decodeRecord(bytes, at);
    if (decoded.status === 'damaged') return { records, needs: undefined, damaged: true };
    if (decoded.status === 'incomplete') return { records, needs: decoded.end, damaged: false };
    const { event, category, end } = decoded;
    records.push({ event, category, end: from + end });
    at = decoded.end;
  }
  return { records, needs: undefined, damaged: false };
}
