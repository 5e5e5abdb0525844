import { spawnChild } from '../../local/child.ts';
import type { Running } from './contender.ts';

const STOP_TIMEOUT_MS = 20_000;
const KEPT_LOG_CHARACTERS = 4_000;

/** Runs a program of ours as a contender, told what to do by its environment; it ends with this process. */
export async function runProcess(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Running> {
  const child = await spawnChild({
    command: process.execPath,
    args: command,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  });
  let log = '';
  const keep = (chunk: Buffer): void => {
    log = (log + chunk.toString()).slice(-KEPT_LOG_CHARACTERS);
  };
  child.process.stdout?.on('data', keep);
  child.process.stderr?.on('data', keep);
  let stopping = false;
  const failed = child.exited.then(({ code, signal }) => {
    if (stopping) return new Promise<never>(() => undefined);
    throw new Error(`${command.join(' ')} ended with ${code ?? signal}:\n${log}`);
  });
  failed.catch(() => undefined);
  return {
    pid: child.pid,
    failed,
    stop: async () => {
      stopping = true;
      await child.stop(STOP_TIMEOUT_MS);
    },
  };
}
