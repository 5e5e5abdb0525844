import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  open,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { FsyncPolicy } from '../options.ts';
import { SEGMENT_HEADER } from './record.ts';
import { Segment } from './segment.ts';
import type { Slot } from './slot.ts';

const SYNC_INTERVAL_MS = 1_000;

interface WriterOptions {
  readonly slot: Slot;
  readonly segmentBytes: number;
  readonly fsync: FsyncPolicy;
}

/** Appends to a slot's newest segment, and begins another when that is long enough. */
export class SegmentWriter {
  readonly #options: WriterOptions;
  #current: { readonly segment: Segment; readonly file: number } | undefined;
  #lastNumber = 0;
  #unsynced = false;
  /** A new file or folder is only there after a power failure if the folder it is in says so. */
  readonly #unsyncedFolders: Set<string>;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#unsyncedFolders = new Set([dirname(options.slot.path)]);
    if (options.fsync === 'interval') {
      this.#timer = setInterval(() => this.#sync(), SYNC_INTERVAL_MS).unref();
    }
  }

  /**
   * One write. Answers the segment, which then ends behind the record. Throws what the system says
   * when it has no room; the file is then as it was before.
   */
  append(record: Buffer, onSegment: (segment: Segment) => void): Segment {
    let { segment, file } = this.#current ?? this.#begin(onSegment);
    if (segment.size + record.length > this.#options.segmentBytes && !isEmpty(segment)) {
      this.seal();
      ({ segment, file } = this.#begin(onSegment));
    }
    try {
      writeWhole(file, record);
      if (this.#options.fsync === 'always') fdatasyncSync(file);
    } catch (error) {
      this.#takeBack(segment, file);
      throw error;
    }
    segment.size += record.length;
    this.#unsynced = true;
    return segment;
  }

  /** The next record begins another segment. */
  seal(): void {
    this.#end((file) => fdatasync(file, () => close(file, ignored)));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#end((file) => {
      try {
        fdatasyncSync(file);
        this.#syncFolders();
      } finally {
        closeSync(file);
      }
    });
  }

  /** What is settled is deleted next, and what was synced record by record is on the disk already. */
  #end(syncAndClose: (file: number) => void): void {
    if (this.#current === undefined) return;
    const { segment, file } = this.#current;
    this.#current = undefined;
    segment.sealed = true;
    if (this.#options.fsync === 'interval' && !segment.isSettled) syncAndClose(file);
    else closeSync(file);
  }

  #begin(onSegment: (segment: Segment) => void): { segment: Segment; file: number } {
    const { slot, fsync } = this.#options;
    const number = this.#lastNumber + 1;
    const path = slot.segmentPath(number);
    const file = openSync(path, 'ax', 0o600);
    this.#lastNumber = number;
    try {
      writeWhole(file, SEGMENT_HEADER);
      this.#unsyncedFolders.add(slot.path);
      if (fsync === 'always') this.#syncFolders();
    } catch (error) {
      closeSync(file);
      // A full disk is tried every second: each attempt would leave an empty file.
      rmSync(path, { force: true });
      throw error;
    }
    const segment = new Segment(path, number, SEGMENT_HEADER.length, 0, false);
    this.#current = { segment, file };
    onSegment(segment);
    return this.#current;
  }

  /** A half-written record must not stand before whole ones: reading would stop at it. */
  #takeBack(segment: Segment, file: number): void {
    try {
      ftruncateSync(file, segment.size);
    } catch {
      this.#current = undefined;
      segment.sealed = true;
      closeSync(file);
    }
  }

  /** What the disk refuses here, the next write is told too. */
  #sync(): void {
    for (const path of this.#unsyncedFolders) startSyncOfFolder(path);
    this.#unsyncedFolders.clear();
    if (!this.#unsynced || this.#current === undefined) return;
    this.#unsynced = false;
    fdatasync(this.#current.file, ignored);
  }

  #syncFolders(): void {
    for (const path of this.#unsyncedFolders) {
      syncFolder(path);
      this.#unsyncedFolders.delete(path);
    }
  }
}

const ignored = (): void => undefined;
const isEmpty = (segment: Segment): boolean => segment.size === SEGMENT_HEADER.length;

function writeWhole(file: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}

function startSyncOfFolder(path: string): void {
  open(path, 'r', (error, folder) => {
    if (error === null) fsync(folder, () => close(folder, ignored));
  });
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
