import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Running } from './contender.ts';

const STOP_TIMEOUT_MS = 20_000;
const KEPT_LOG = 4_000;

/** Runs a program of ours as a contender, told what to do by its environment. */
export function runProcess(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Running {
  const child = spawn(process.execPath, [...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  });
  let log = '';
  const keep = (chunk: Buffer): void => {
    log = (log + chunk.toString()).slice(-KEPT_LOG);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let stopping = false;
  const exited = once(child, 'exit');
  const failed = exited.then(([code, signal]: unknown[]) => {
    if (stopping) return new Promise<never>(() => undefined);
    throw new Error(`${command.join(' ')} ended with ${String(code ?? signal)}:\n${log}`);
  });
  failed.catch(() => undefined);
  return {
    ...(child.pid === undefined ? {} : { pid: child.pid }),
    failed,
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}
