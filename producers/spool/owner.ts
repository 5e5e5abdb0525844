import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { crc32 } from 'node:zlib';

/** One life of one process. A process id alone comes again: in containers it is always 1. */
export interface Owner {
  readonly host: string;
  /** Of the machine's boot and the container: process ids mean the same only within one. */
  readonly world: string;
  readonly pid: number;
  /** When the process began, in the system's own unit. */
  readonly start: string;
}

/** `elsewhere`: on another machine or in another container, whose processes cannot be seen from here. */
type Standing = 'alive' | 'dead' | 'elsewhere';

const OWNER = /^([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d+)$/;

export const ownerName = ({ host, world, pid, start }: Owner): string =>
  `${host}-${world}-${pid}-${start}`;

export function ownerOf(name: string): Owner | undefined {
  const [, host = '', world = '', pid = '', start = ''] = OWNER.exec(name) ?? [];
  return host === '' ? undefined : { host, world, pid: Number(pid), start };
}

export const thisProcess = (): Owner => ({
  host: fingerprint(hostname()),
  world: fingerprint(worldName()),
  pid: process.pid,
  start: startOf(process.pid) ?? '0',
});

/** Whether a process still lives, as seen by another; `startOf` looks a process id up. */
export function standingOf(owner: Owner, self: Owner, lookUp = startOf): Standing {
  // One host name proves nothing: containers may share it, and machines too. What looks like an
  // earlier container or boot may also be a container that lives beside this one.
  if (owner.host !== self.host || owner.world !== self.world) return 'elsewhere';
  return lookUp(owner.pid) === owner.start ? 'alive' : 'dead';
}

const fingerprint = (text: string): string => crc32(text).toString(16).padStart(8, '0');

function worldName(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    // Where there is no /proc on Linux, nobody else's processes can be told from none.
    return process.platform === 'linux' ? randomUUID() : process.platform;
  }
}

/** When a process began; undefined when it is no more. */
export function startOf(pid: number): string | undefined {
  return process.platform === 'linux' ? linuxStartOf(pid) : startByPs(pid);
}

function linuxStartOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name, in parentheses, may hold spaces; proc(5): state is 3, starttime is 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie is dead, and only not yet missed.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
    return String(Date.parse(text.trim()));
  } catch {
    return undefined;
  }
}
