import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';

/** How a part of the stack ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running part of the stack, seen as a process. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Settles when the process has ended, however it ended; never rejects. */
  readonly exited: Promise<Exit>;
  /** Sends a signal, as a fault or to stop; false when the process is gone. */
  kill(signal: NodeJS.Signals): boolean;
  /** SIGTERM, then SIGKILL after the deadline. Safe to call twice. */
  stop(deadlineMs: number): Promise<Exit>;
}

export interface SpawnChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly stdio: StdioOptions;
  readonly env?: NodeJS.ProcessEnv;
  /** Who it runs as, where that is not this process's user. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Spawns a part in a process group of its own: Ctrl-C in a terminal goes to the whole foreground
 * group, and the parts must end in order, after the workers, not all at once.
 *
 * A small shell process watches over it: it reads a pipe that only this process holds open, so
 * that it notices even our SIGKILL, and then kills the part. Nothing is left behind.
 *
 * @throws the system's error (ENOENT, EACCES) when the command cannot be started
 */
export async function spawnChild(options: SpawnChildOptions): Promise<Child> {
  const child = spawn(options.command, options.args, {
    stdio: options.stdio,
    detached: true,
    ...(options.env && { env: options.env }),
    ...options.user,
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  // 'spawn' was emitted, so there is a pid; the type does not know.
  const pid = child.pid ?? 0;
  const guard = spawn(
    '/bin/sh',
    ['-c', 'read -r _; kill -KILL "$1" 2>/dev/null', 'guard', `${pid}`],
    {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    },
  );
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  // Before its pid can belong to another process.
  void exited.then(() => guard.kill('SIGKILL'));

  let stopping: Promise<Exit> | undefined;
  return {
    process: child,
    pid,
    exited,
    kill: (signal) => child.kill(signal),
    stop(deadlineMs) {
      stopping ??= stop(child, exited, deadlineMs);
      return stopping;
    },
  };
}

async function stop(child: ChildProcess, exited: Promise<Exit>, deadlineMs: number): Promise<Exit> {
  child.kill('SIGTERM');
  // A stopped (SIGSTOP) process would sleep through SIGTERM.
  child.kill('SIGCONT');
  const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  try {
    return await exited;
  } finally {
    clearTimeout(timer);
  }
}
