/** Where a run keeps everything it writes: in memory, where there is room for it. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
/** A run writes up to 300 MB; its processes need memory as well. */
const MEMORY_AT_LEAST_BYTES = 4 * 2 ** 30;
const PREFIX = 'ledgerline-run-';

/**
 * Makes the folder and names it to this process and its children as TMPDIR. Brokers and engines write
 * thousands of small files: waiting for a disk took a third of the run. What ends with SIGKILL keeps its
 * files in memory as well as in a disk's cache. A TMPDIR of the caller's own is kept to.
 */
export function makeRunFolder(): string {
  const parent = parentFolder();
  removeAbandoned(parent);
  const folder = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
  // PostgreSQL runs as another user where the tests run as root.
  chmodSync(folder, 0o711);
  process.env['TMPDIR'] = folder;
  return folder;
}

function parentFolder(): string {
  if (process.env['TMPDIR'] !== undefined || !existsSync(MEMORY)) return tmpdir();
  // PostgreSQL's programs are copied into it where their folder is closed to other users.
  const mount = readFileSync('/proc/mounts', 'utf8').split(` ${MEMORY} `)[1]?.split(' ')[1];
  if (mount?.split(',').includes('noexec')) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY);
  const room = Math.min(bavail * bsize, process.availableMemory());
  return room < MEMORY_AT_LEAST_BYTES ? tmpdir() : MEMORY;
}

/** Of runs that were killed: what is left in memory is taken from everybody. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
