import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { settlesWithin } from '../deadline.ts';
import type { CheckedCommand } from './command-options.ts';
import { FirstBytes } from './first-bytes.ts';

/** How a command ended. */
export type CommandStatus = 'exited' | 'killed' | 'timed_out' | 'aborted' | 'not_started';

/** What became of a command. */
export interface CommandResult {
  readonly status: CommandStatus;
  /** It ran to its end and said that all is well: exit code 0. */
  readonly ok: boolean;
  readonly exitCode?: number | undefined;
  /** What ended it, where it did not end itself. */
  readonly signal?: NodeJS.Signals | undefined;
  /** Why it could not be started: `ENOENT`, `EACCES`, … */
  readonly error?: NodeJS.ErrnoException | undefined;
  readonly durationMs: number;
  /** The first `maxResultBytes` of each stream, as they were: secrets are masked in the record only. */
  readonly stdout: string;
  readonly stderr: string;
  /** One of the two was longer. */
  readonly truncated: boolean;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;
type Ended = Pick<CommandResult, 'status' | 'exitCode' | 'signal' | 'error'>;
type OnOutput = (stream: 'stdout' | 'stderr', chunk: Buffer) => void;

/** A grandchild may hold the streams open; what the command itself wrote is there by then. */
const STREAMS_CLOSE_WITHIN_MS = 1_000;
/** What is left in a pipe is read in no time; a grandchild may write for ever. */
const REST_IS_READ_WITHIN_MS = 200;

/** Runs a command without a shell. Never rejects: every way in which it can end is a result. */
export async function runCommand(
  options: CheckedCommand,
  onOutput: OnOutput,
): Promise<CommandResult> {
  const startedMs = performance.now();
  const kept = {
    stdout: new FirstBytes(options.maxResultBytes),
    stderr: new FirstBytes(options.maxResultBytes),
  };
  const ended = await run(options, (stream, chunk) => {
    kept[stream].add(chunk);
    onOutput(stream, chunk);
  });
  return {
    ...ended,
    ok: ended.status === 'exited' && ended.exitCode === 0,
    durationMs: performance.now() - startedMs,
    stdout: kept.stdout.text(),
    stderr: kept.stderr.text(),
    truncated: kept.stdout.isFull || kept.stderr.isFull,
  };
}

async function run(options: CheckedCommand, onOutput: OnOutput): Promise<Ended> {
  if (options.signal?.aborted) return { status: 'aborted' };
  let child: Child;
  try {
    const { command, args, cwd, env } = options;
    child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], shell: false });
  } catch (error) {
    return { status: 'not_started', error: error as NodeJS.ErrnoException };
  }
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exited = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => resolve(endOf(code, signal)));
    child.on('error', (error) => {
      if (child.pid === undefined) resolve({ status: 'not_started', error });
    });
  });
  // Without file descriptors left (EMFILE) there are no streams, whatever the types say.
  if ((child.stdout as Readable | undefined) === undefined) return exited;
  listen(child.stdout, options.stdout, (chunk) => onOutput('stdout', chunk));
  listen(child.stderr, options.stderr, (chunk) => onOutput('stderr', chunk));
  // A command that does not read its input closes the pipe; that is its right.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin);

  using limits = limited(child, options);
  const ended = await exited;
  if (ended.status === 'not_started') return ended;
  // Time that runs out from here on is the streams', not the command's.
  const { exceeded } = limits;
  if (!(await settlesWithin(closed, STREAMS_CLOSE_WITHIN_MS))) {
    // A slow destination must not cost what the command had written: it gets the rest at once.
    hurry(child.stdout, options.stdout);
    hurry(child.stderr, options.stderr);
    await settlesWithin(closed, REST_IS_READ_WITHIN_MS);
    child.stdout.destroy();
    child.stderr.destroy();
  }
  return exceeded === undefined ? ended : { ...ended, status: exceeded };
}

const endOf = (code: number | null, signal: NodeJS.Signals | null): Ended =>
  code === null
    ? { status: 'killed', signal: signal ?? undefined }
    : { status: 'exited', exitCode: code };

/** The destination sets the pace, and is left open; what it fails with is its owner's to hear. */
function listen(from: Readable, to: Writable | undefined, onChunk: (chunk: Buffer) => void): void {
  from.on('data', onChunk);
  from.on('error', () => undefined);
  if (to === undefined) return;
  from.pipe(to, { end: false });
  // A destination that is gone must not stop the command: what it writes is still recorded.
  const goOn = (source: unknown): void => void (source === from && from.resume());
  to.on('unpipe', goOn);
  from.once('close', () => to.off('unpipe', goOn));
}

function hurry(from: Readable, to: Writable | undefined): void {
  if (to === undefined) return;
  from.unpipe(to);
  from.on('data', (chunk: Buffer) => {
    if (to.writable) to.write(chunk);
  });
  from.resume();
}

interface Limits extends Disposable {
  exceeded: 'timed_out' | 'aborted' | undefined;
}

/** SIGTERM when time is up or the signal aborts, and SIGKILL when that does not help. */
function limited(child: Child, { timeoutMs, killAfterMs, signal }: CheckedCommand): Limits {
  let killing: NodeJS.Timeout | undefined;
  const end = (why: 'timed_out' | 'aborted'): void => {
    if (limits.exceeded !== undefined) return;
    limits.exceeded = why;
    child.kill('SIGTERM');
    killing = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  };
  const abort = (): void => end('aborted');
  const timer = timeoutMs === Infinity ? undefined : setTimeout(end, timeoutMs, 'timed_out');
  signal?.addEventListener('abort', abort, { once: true });
  const limits: Limits = {
    exceeded: undefined,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      clearTimeout(killing);
      signal?.removeEventListener('abort', abort);
    },
  };
  return limits;
}
