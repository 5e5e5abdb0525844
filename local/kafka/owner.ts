import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LedgerlineError } from '../../schemas/index.ts';

/**
 * Refuses a folder that a running node owns. Kafka's own lock comes too late: by then a second
 * node has joined the first one's metadata log, and the first can no longer stop cleanly.
 *
 * @param mark what the owner's command line contains, since its pid may be another's by now
 * @throws LedgerlineError FOLDER_LOCKED
 */
export async function refuseOwned(home: string, mark: string): Promise<void> {
  const pid = Number(await readFile(pidFile(home), 'utf8').catch(() => ''));
  if (!pid || !(await commandLine(pid)).includes(mark)) return;
  throw new LedgerlineError('FOLDER_LOCKED', `Kafka with pid ${pid} runs on ${home}`, {
    hint: 'Stop it, or choose another folder.',
  });
}

export async function recordOwner(home: string, pid: number): Promise<void> {
  await writeFile(pidFile(home), `${pid}\n`);
}

function pidFile(home: string): string {
  return join(home, 'kafka.pid');
}

async function commandLine(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // No such process, or a system without /proc.
    const ps = promisify(execFile)('ps', ['-o', 'command=', '-p', `${pid}`], { timeout: 5000 });
    return (await ps.catch(() => ({ stdout: '' }))).stdout;
  }
}
