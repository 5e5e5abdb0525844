/** A worker as operators run it: a process of its own, told what to do by its environment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../local/project-root.ts';
import { until } from './until.ts';

const CLI = join(PROJECT_ROOT, 'dist', 'cli', 'ledgerline.js');

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
      LEDGERLINE_BATCH_AGE_MAX_MS: '200',
      ...place.env,
    },
  });
  let log = '';
  const hear = (chunk: Buffer): void => {
    log += chunk.toString();
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
    async logged(text, timeoutMs = 30_000) {
      const seen = await until(
        `the worker logs "${text}"`,
        () =>
          Promise.resolve({
            found: log.includes(text),
            ended: child.exitCode ?? child.signalCode,
            last: log.slice(-2000),
          }),
        ({ found, ended }) => found || ended !== null,
        timeoutMs,
      );
      if (!seen.found) {
        throw new Error(
          `The worker ended (${seen.ended}) before it logged "${text}":\n${seen.last}`,
        );
      }
    },
  };
}
