/** A worker as operators run it: a process of its own, told what to do by its environment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../dist/cli/ledgerline.js', import.meta.url));

export interface WorkerProcess {
  readonly pid: number;
  /** Everything it has logged so far. */
  readonly log: () => string;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves once the log holds this text; fails after the deadline with the log's end. */
  logged(text: string, timeoutMs?: number): Promise<void>;
}

export interface WorkerPlace {
  readonly brokers: readonly string[];
  readonly clickhouseUrl: string;
  readonly database: string;
  readonly topic: string;
  readonly group?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `ledgerline worker`, or another script that takes the same environment. */
export function spawnWorker(
  place: WorkerPlace,
  command: readonly string[] = [CLI, 'worker'],
): WorkerProcess {
  const child: ChildProcess = spawn(process.execPath, [...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      LEDGERLINE_KAFKA_BROKERS: place.brokers.join(','),
      LEDGERLINE_KAFKA_TOPIC: place.topic,
      LEDGERLINE_KAFKA_GROUP: place.group ?? place.topic,
      LEDGERLINE_CLICKHOUSE_URL: place.clickhouseUrl,
      LEDGERLINE_CLICKHOUSE_DATABASE: place.database,
      LEDGERLINE_SESSION_TIMEOUT_MS: '6000',
      LEDGERLINE_BATCH_AGE_MS: '200',
      ...place.env,
    },
  });
  let log = '';
  const listeners = new Set<() => void>();
  const hear = (chunk: Buffer): void => {
    log += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return {
    pid: child.pid ?? 0,
    log: () => log,
    exited,
    kill: (signal) => void child.kill(signal),
    logged: (text, timeoutMs = 30_000) =>
      new Promise((resolve, reject) => {
        const done = (end: () => void): void => {
          clearTimeout(timer);
          listeners.delete(look);
          end();
        };
        const look = (): void => {
          if (log.includes(text)) done(resolve);
        };
        const timer = setTimeout(
          () =>
            done(() =>
              reject(new Error(`The worker never logged "${text}":\n${log.slice(-2000)}`)),
            ),
          timeoutMs,
        );
        listeners.add(look);
        look();
        void exited.then(({ code, signal }) => {
          if (!log.includes(text))
            done(() =>
              reject(
                new Error(
                  `The worker ended (${code ?? signal}) without logging "${text}":\n${log.slice(-2000)}`,
                ),
              ),
            );
        });
      }),
  };
}
