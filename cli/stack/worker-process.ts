import { fileURLToPath } from 'node:url';
import { LedgerlineError } from '../../schemas/index.ts';
import { spawnChild } from '../../local/child.ts';
import { showWorkerOutput } from './worker-output.ts';

const PROGRAM = fileURLToPath(new URL('../ledgerline.js', import.meta.url));
const STOP_TIMEOUT_MS = 20_000;
const READY_TIMEOUT_MS = 30_000;

export interface WorkerProcess {
  readonly pid: number;
  /** Resolves when it has joined the group. */
  readonly ready: Promise<void>;
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Starts a worker as a process of its own, out of reach of this terminal's Ctrl-C, so that it is
 * stopped first and with Kafka still there.
 */
export async function startWorkerProcess(
  variables: Readonly<Record<string, string | undefined>>,
): Promise<WorkerProcess> {
  const child = await spawnChild({
    command: process.execPath,
    args: [PROGRAM, 'worker'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: variables,
  });
  const { stdout, stderr } = child.process;
  const ready = new Promise<void>((resolve, reject) => {
    const fail = (what: string): void => {
      clearTimeout(timer);
      reject(
        new LedgerlineError('LOCAL_START_FAILED', `The worker ${what}.`, {
          hint: 'Its own lines are above.',
        }),
      );
    };
    const timer = setTimeout(
      () => fail(`did not join its group within ${READY_TIMEOUT_MS} ms`),
      READY_TIMEOUT_MS,
    );
    // Not read off its log, which may be silent.
    child.process.once('message', () => {
      clearTimeout(timer);
      resolve();
    });
    void child.exited.then((exit) => fail(`ended with ${exit.code ?? exit.signal}`));
  });
  ready.catch(() => undefined);
  if (stdout) showWorkerOutput(stdout);
  if (stderr) showWorkerOutput(stderr);
  return {
    pid: child.pid,
    ready,
    exited: child.exited,
    stop: async () => void (await child.stop(STOP_TIMEOUT_MS)),
  };
}
