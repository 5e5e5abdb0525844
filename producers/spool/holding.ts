import { rmSync, statSync, truncateSync } from 'node:fs';
import type { Logger } from '../logger.ts';
import { CursorFile } from './cursor.ts';
import type { Segment } from './segment.ts';
import type { Slot } from './slot.ts';

/** A slot that this process owns, with its segments, oldest first. */
export class Holding {
  readonly slot: Slot;
  /** Another process wrote it, which may have sent its events too. */
  readonly inherited: boolean;
  readonly segments: Segment[];
  readonly #logger: Logger;
  readonly #cursor: CursorFile;
  #cursorDue = false;

  constructor(slot: Slot, inherited: boolean, logger: Logger) {
    this.slot = slot;
    this.inherited = inherited;
    this.#logger = logger;
    this.segments = slot.segments();
    this.#cursor = new CursorFile(slot.path);
  }

  get hasUnsettled(): boolean {
    return this.segments.some((segment) => !segment.isSettled);
  }

  get unreadBytes(): number {
    return this.segments.reduce((sum, { unreadBytes }) => sum + unreadBytes, 0);
  }

  get bytes(): number {
    return this.segments.reduce((sum, { size }) => sum + size, 0);
  }

  /** The cursor lags behind what is settled. */
  moved(): void {
    this.#cursorDue = true;
  }

  writeCursor(): void {
    if (this.#cursorDue) this.beat();
  }

  /** Writes the cursor, moved or not: to those elsewhere this is the sign that its owner lives. */
  beat(): void {
    const [first] = this.segments;
    this.#cursorDue = false;
    try {
      this.#cursor.write({ segment: first?.number ?? 0, offset: first?.settledTo ?? 0 });
    } catch {
      // An old cursor only means that more is sent again.
    }
  }

  /** Takes off the end that is not whole. Answers how many bytes that is. */
  cut(segment: Segment): number {
    const bytes = segment.cut();
    this.#logger.error(
      { bytes, file: segment.path },
      'a file of the spool ends in the middle of a record, or is damaged; the end is cut off',
    );
    try {
      truncateSync(segment.path, segment.size);
    } catch {
      // It is cut in memory: the next owner finds the same end, and cuts it again.
    }
    return bytes;
  }

  /** Somebody else deleted the slot. */
  get isDeleted(): boolean {
    return isMissing(this.slot.path);
  }

  /** Takes out the segments that somebody else deleted, and answers them. */
  forgetDeleted(): Segment[] {
    const deleted = this.segments.filter(({ path }) => isMissing(path));
    for (const segment of deleted) {
      segment.isDeleted = true;
      this.segments.splice(this.segments.indexOf(segment), 1);
    }
    return deleted;
  }

  remove(segment: Segment): void {
    this.segments.splice(this.segments.indexOf(segment), 1);
    try {
      rmSync(segment.path, { force: true });
    } catch (error) {
      this.#logger.warn({ error, file: segment.path }, 'a file of the spool cannot be deleted');
    }
  }

  /** Deletes the slot when nothing in it is needed, else leaves it to the next process. */
  letGo(): void {
    this.#cursor.close();
    try {
      if (this.hasUnsettled) this.slot.release();
      else this.slot.remove();
    } catch (error) {
      this.#logger.warn(
        { error, folder: this.slot.path },
        'a folder of the spool cannot be put away; the next start tries again',
      );
    }
  }
}

/** Not merely out of reach: what cannot be asked is taken to be there. */
function isMissing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
