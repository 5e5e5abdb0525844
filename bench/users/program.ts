import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { spawnChild } from '../../local/child.ts';
import { PROJECT_ROOT } from '../../local/project-root.ts';

const STOP_TIMEOUT_MS = 10_000;
const KEPT_LOG_CHARACTERS = 4_000;

/** A program of this folder in a process of its own, which says lines of JSON. */
export interface Program {
  readonly pid: number;
  /** The next line that it says. Rejects when it ends instead, or takes longer. */
  line<T>(timeoutMs: number): Promise<T>;
  kill(signal: NodeJS.Signals): void;
  /** Ends it, if it has not ended. */
  stop(): Promise<void>;
}

export async function startProgram(
  name: 'service' | 'visitors',
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const child = await spawnChild({
    command: process.execPath,
    args: [join(PROJECT_ROOT, 'dist', 'bench', 'users', `${name}.js`), ...args],
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
  });
  const { stdout, stderr } = child.process;
  if (stdout === null || stderr === null) throw new Error(`the ${name} has no output`);
  let log = '';
  stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-KEPT_LOG_CHARACTERS);
  });
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid,
    line: async <T>(timeoutMs: number): Promise<T> => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        const error = new Error(`the ${name} says nothing for ${timeoutMs / 1000} s:\n${log}`);
        timer = setTimeout(() => reject(error), timeoutMs);
      });
      try {
        const { done, value } = await Promise.race([lines.next(), late]);
        if (done === true) throw new Error(`the ${name} ended:\n${log}`);
        return JSON.parse(value) as T;
      } finally {
        clearTimeout(timer);
      }
    },
    kill: (signal) => void child.kill(signal),
    stop: async () => void (await child.stop(STOP_TIMEOUT_MS)),
  };
}
