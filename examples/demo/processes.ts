import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../../', import.meta.url));
const READY_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 45_000;
const LAST_LINES = 3;

/** A folder that is gone when its user is done. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'ledgerline-demo-'));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

interface Command {
  /** For messages: "control panel". */
  readonly name: string;
  /** A compiled program of this package, and its arguments. */
  readonly script: readonly [string, ...string[]];
  /** What it writes goes to a file in this folder. */
  readonly folder: string;
  readonly variables: Readonly<Record<string, string>>;
  /** How it tells that it is ready: its first line on stdout, or a message over its channel. */
  readonly tells: 'line' | 'message';
}

/** A program of ours as a process of its own; disposing of it is SIGTERM and waiting. */
export class Program implements AsyncDisposable {
  readonly pid: number;
  /** What it told when it was ready. */
  readonly ready: Promise<unknown>;
  /** Rejects when it ends before it is told to, with the end of what it wrote. */
  readonly died: Promise<never>;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | NodeJS.Signals | null>;
  #expected = false;

  constructor({ name, script: [script, ...args], folder, variables, tells }: Command) {
    const child = spawn(process.execPath, [join(DIST, script), ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...variables },
      // Out of reach of this terminal's Ctrl-C: the parts end in order, not all at once.
      detached: true,
    });
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signal));
      child.once('error', () => resolve(null));
    });
    endWithUs(this.pid, this.#exited);

    const logPath = join(folder, `${name.replaceAll(' ', '-')}.log`);
    const log = createWriteStream(logPath);
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    void this.#exited.then(() => log.end());

    this.died = this.#exited.then(async (how) => {
      if (this.#expected) return new Promise<never>(() => undefined);
      const text = await readFile(logPath, 'utf8').catch(() => '');
      const end = text.trimEnd().split('\n').slice(-LAST_LINES).join(' | ');
      throw new Error(`The ${name} ended by itself (${how}): ${end}`);
    });
    const told = new Promise<unknown>((resolve) => {
      if (tells === 'message') child.once('message', resolve);
      else if (child.stdout) createInterface({ input: child.stdout }).once('line', resolve);
    });
    this.ready = within(READY_TIMEOUT_MS, `The ${name} was not ready`, [told, this.died]);
    // Heard where they are awaited, which may be later than they happen.
    for (const promise of [this.died, this.ready]) promise.catch(() => undefined);
  }

  /** As the kernel would, or whoever pulls the plug. */
  async sigkill(): Promise<void> {
    this.#expected = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM; SIGKILL at the deadline. Resolves with the exit code. Safe to call twice. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    this.#expected = true;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    try {
      return await this.#exited;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * A shell that reads a pipe which only this process holds open. It notices even our SIGKILL, and
 * then ends the part: nothing is left behind.
 */
function endWithUs(pid: number, exited: Promise<unknown>): void {
  const script = 'read -r _; kill -TERM "$1" 2>/dev/null';
  const guard = spawn('/bin/sh', ['-c', script, 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  // Before its pid can belong to another process.
  void exited.then(() => guard.kill('SIGKILL'));
}

async function within<T>(timeoutMs: number, what: string, promises: Promise<T>[]): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`${what} within ${timeoutMs / 1000} s.`);
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  try {
    return await Promise.race([...promises, late]);
  } finally {
    clearTimeout(timer);
  }
}
