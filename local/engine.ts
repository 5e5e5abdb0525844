import { existsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LedgerlineError } from '../schemas/index.ts';
import { type Child, type Exit, spawnChild } from './child.ts';
import type { EngineConfig, EngineReport } from './engine/protocol.ts';
import { choosePort } from './free-port.ts';
import { PROJECT_ROOT } from './project-root.ts';

const ENGINE_START_TIMEOUT_MS = 30_000;
const ENGINE_STOP_TIMEOUT_MS = 20_000;
// Every running statement holds a thread, and so does every file operation of a body.
const THREADS = '40';

export interface EngineOptions {
  /** Tables and engine.log live here; made when missing. One process owns it at a time. */
  readonly dataDir: string;
  /** Where it listens on 127.0.0.1. Default: any free port. */
  readonly port?: number | undefined;
  /** Of the user `default`. Default: none. */
  readonly password?: string | undefined;
  /** ClickHouse's own configuration, in XML or YAML: clusters, macros, a keeper. Default: none. */
  readonly configFile?: string | undefined;
  /** Default: ENGINE_START_TIMEOUT_MS. */
  readonly startTimeoutMs?: number | undefined;
}

export interface Engine {
  /** `http://127.0.0.1:port`, as ClickHouse's clients take it. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Sends a signal to the engine's process: a fault from outside. */
  kill(signal: NodeJS.Signals): boolean;
  /** Lets running requests end, then SIGKILL after ENGINE_STOP_TIMEOUT_MS. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the ClickHouse engine behind ClickHouse's HTTP interface, in a process of its own, and
 * resolves when it serves. Starting again on the same folder continues its tables, also after
 * SIGKILL. It ends with this process, however this process ends.
 *
 * @example
 * const engine = await startEngine({ dataDir: '/tmp/engine' });
 * const answer = await fetch(engine.url, { method: 'POST', body: 'SELECT 1' });
 * console.log(await answer.text()); // '1\n'
 * await engine.stop();
 *
 * @throws LedgerlineError LOCAL_PART_MISSING (chdb or the build), PORT_TAKEN, FOLDER_LOCKED,
 *   LOCAL_START_FAILED
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const program = join(PROJECT_ROOT, 'dist', 'local', 'engine-process.js');
  if (!existsSync(program)) {
    throw new LedgerlineError('LOCAL_PART_MISSING', `${program} does not exist`, {
      hint: 'Build it with: npm run build',
    });
  }
  const port = await choosePort('The ClickHouse engine', options.port);
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true });
  const log = join(dataDir, 'engine.log');
  const child = await spawnEngine(program, log);
  const { password = '', configFile } = options;
  const config = { dataDir, port, password, configFile };
  const report = await firstReport(
    child,
    config,
    options.startTimeoutMs ?? ENGINE_START_TIMEOUT_MS,
  );
  if (report.kind === 'failed') {
    await child.stop(0);
    throw startError(report, config, log);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid,
    exited: child.exited,
    kill: (signal) => child.kill(signal),
    stop: async () => void (await child.stop(ENGINE_STOP_TIMEOUT_MS)),
  };
}

async function spawnEngine(program: string, logPath: string): Promise<Child> {
  const log = await open(logPath, 'a');
  try {
    return await spawnChild({
      command: process.execPath,
      args: [program],
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      env: { ...process.env, UV_THREADPOOL_SIZE: THREADS },
    });
  } finally {
    await log.close();
  }
}

async function firstReport(
  child: Child,
  config: EngineConfig,
  timeoutMs: number,
): Promise<EngineReport> {
  let timer: NodeJS.Timeout | undefined;
  const failed = (text: string): EngineReport => ({ kind: 'failed', reason: 'other', text });
  try {
    return await Promise.race([
      new Promise<EngineReport>((resolveReport) => {
        child.process.once('message', (message) => resolveReport(message as EngineReport));
        child.process.send(config, (error) => {
          if (error) resolveReport(failed(`could not be told what to open (${error.message})`));
        });
      }),
      child.exited.then((exit) => failed(`ended with ${exit.code ?? exit.signal}`)),
      new Promise<EngineReport>((resolveReport) => {
        timer = setTimeout(
          () => resolveReport(failed(`did not answer within ${timeoutMs / 1000} s`)),
          timeoutMs,
        );
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function startError(
  failure: EngineReport & { kind: 'failed' },
  config: EngineConfig,
  log: string,
): LedgerlineError {
  const what = `The ClickHouse engine on 127.0.0.1:${config.port}`;
  switch (failure.reason) {
    case 'missing':
      return new LedgerlineError('LOCAL_PART_MISSING', `${what} needs the package chdb`, {
        hint: 'Install it with: npm install chdb',
        cause: failure.text,
      });
    case 'port':
      return new LedgerlineError('PORT_TAKEN', `${what} cannot listen there: taken`, {
        hint: 'Stop what listens there, or choose another port.',
      });
    case 'folder':
      return new LedgerlineError('FOLDER_LOCKED', `${what} cannot open ${config.dataDir}`, {
        hint: 'Another process owns the folder: stop it, or choose another folder.',
      });
    case 'other':
      return new LedgerlineError('LOCAL_START_FAILED', `${what} ${failure.text}`, {
        hint: `Its log is ${log}`,
      });
  }
}
