import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { ownerName, ownerOf, standingOf, type Owner } from './owner.ts';
import { CURSOR_FILE, readCursor } from './cursor.ts';
import { Segment } from './segment.ts';

const FREE = 'free';
const NAME = /^([0-9a-z]{9}-[0-9a-f]{12})@(.+)$/;
const SEGMENT_NAME = /^(\d{8})\.seg$/;

const segmentPath = (folder: string, number: number): string =>
  join(folder, `${String(number).padStart(8, '0')}.seg`);

/**
 * One ledger's part of the spool's folder: a folder of its own, `<when and which>@<owner>`. Who
 * owns it is in its name, so that taking one over is one rename, which cannot half happen and
 * which only one of several can do; and no lock stays behind when a process is killed.
 */
export class Slot {
  /** Sorts by the time it was made; stays the same from owner to owner. */
  readonly id: string;
  readonly path: string;
  readonly #folder: string;

  constructor(folder: string, id: string, owner: string) {
    this.id = id;
    this.path = join(folder, `${id}@${owner}`);
    this.#folder = folder;
  }

  segmentPath(number: number): string {
    return segmentPath(this.path, number);
  }

  /** The segments in it, from where the last owner had got to. */
  segments(): Segment[] {
    const cursor = readCursor(this.path);
    return readdirSync(this.path)
      .flatMap((name) => SEGMENT_NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b)
      .map((number) => {
        const path = this.segmentPath(number);
        const from = cursor?.segment === number ? cursor.offset : 0;
        return new Segment(path, number, statSync(path).size, from, true);
      });
  }

  /** For whoever comes next. */
  release(): void {
    renameSync(this.path, join(this.#folder, `${this.id}@${FREE}`));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A new one, for this process to write to. It sorts behind all others, whatever the clock says. */
export function claimSlot(folder: string, owner: Owner): Slot {
  const times = readdirSync(folder).flatMap((name) => NAME.exec(name)?.[1]?.slice(0, 9) ?? []);
  const newest = Math.max(...times.map((time) => parseInt(time, 36)), 0);
  const when = Math.max(Date.now(), newest + 1)
    .toString(36)
    .padStart(9, '0');
  const slot = new Slot(folder, `${when}-${randomBytes(6).toString('hex')}`, ownerName(owner));
  mkdirSync(slot.path, { mode: 0o700 });
  return slot;
}

/** An owner elsewhere that has not been heard of for so long is dead: six beats. */
export const SILENT_AFTER_MS = 60_000;

interface Inheritance {
  readonly slots: readonly Slot[];
  /** Folders of other machines and containers, which have been heard of a moment ago. */
  readonly elsewhere: readonly string[];
}

/** Takes over what dead processes left, oldest first. The folder is made where it is missing. */
export function inheritSlots(folder: string, owner: Owner, nowMs = Date.now()): Inheritance {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const slots: Slot[] = [];
  const elsewhere: string[] = [];
  for (const name of readdirSync(folder).toSorted()) {
    const [, id, holder = ''] = NAME.exec(name) ?? [];
    if (id === undefined) continue;
    const before = ownerOf(holder);
    if (holder !== FREE) {
      if (before === undefined) continue;
      const standing = standingOf(before, owner);
      if (standing === 'alive') continue;
      if (standing === 'elsewhere' && nowMs - heardOf(join(folder, name)) <= SILENT_AFTER_MS) {
        elsewhere.push(name);
        continue;
      }
    }
    const slot = new Slot(folder, id, ownerName(owner));
    if (taken(join(folder, name), slot.path, nowMs)) slots.push(slot);
  }
  return { slots, elsewhere };
}

/** When the owner last wrote its cursor, which it does all the time. */
const heardOf = (path: string): number =>
  statSync(signOfLife(path), { throwIfNoEntry: false })?.mtimeMs ?? Infinity;

function signOfLife(path: string): string {
  const cursor = join(path, CURSOR_FILE);
  return existsSync(cursor) ? cursor : path;
}

/** False when another process was faster. */
function taken(from: string, to: string, nowMs: number): boolean {
  try {
    // First, so that nobody who sees the new owner finds it as silent as the one before.
    revive(from, nowMs);
    renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function revive(path: string, nowMs: number): void {
  try {
    utimesSync(signOfLife(path), nowMs / 1000, nowMs / 1000);
  } catch {
    // It is gone, as the rename will find; or another user's, and then its new owner's beats do it.
  }
}
