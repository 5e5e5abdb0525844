import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Where the lines of an answer go: to a file or pipe as they come, to a person a screen at a time. */
export interface Lines {
  /** Resolves to false when nobody reads any further. */
  write(line: string): Promise<boolean>;
  end(): Promise<void>;
}

/**
 * The pager to use, as git chooses it: `$PAGER`, or else `less`; none where it is empty or `cat`, nor
 * where the answer is not for a terminal. Pure.
 */
export function pagerOf(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): string | undefined {
  const pager = (env['PAGER'] ?? 'less').trim();
  return !isTerminal || pager === '' || pager === 'cat' || env['TERM'] === 'dumb'
    ? undefined
    : pager;
}

/** Lines on stdout; through a pager from the moment when they are more than the screen holds. */
export function answerLines(paged: boolean): Lines {
  const pager = paged ? pagerOf(process.env, process.stdout.isTTY) : undefined;
  return pager === undefined ? straight() : throughPager(pager, process.stdout.rows || 24);
}

function straight(): Lines {
  return {
    async write(line) {
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
      return true;
    },
    end: () => Promise.resolve(),
  };
}

function throughPager(command: string, rows: number): Lines {
  let held: string[] = [];
  let child: ChildProcess | undefined;
  let closed = false;
  const start = (): void => {
    child = spawn(command, {
      shell: true,
      stdio: ['pipe', 'inherit', 'inherit'],
      // Colours as they are, nothing left on the screen: what git tells less.
      env: { LESS: 'FRX', ...process.env },
    });
    child.stdin?.on('error', () => (closed = true));
    child.once('close', () => (closed = true));
    // Ctrl-C is the pager's while it runs.
    process.on('SIGINT', ignore);
  };
  const pass = async (line: string): Promise<void> => {
    const stdin = child?.stdin;
    if (!stdin || closed) return;
    if (stdin.write(`${line}\n`)) return;
    // A pager that was left early takes no more: that is its reader's wish, not a fault.
    const settled = new AbortController();
    const { signal } = settled;
    try {
      await Promise.race([once(stdin, 'drain', { signal }), once(stdin, 'close', { signal })]);
    } catch {
      closed = true;
    } finally {
      settled.abort();
    }
  };
  return {
    async write(line) {
      if (child === undefined) {
        held.push(line);
        if (held.length < rows) return true;
        start();
        for (const early of held) await pass(early);
        held = [];
      } else await pass(line);
      return !closed;
    },
    async end() {
      if (child === undefined) {
        for (const line of held) process.stdout.write(`${line}\n`);
        return;
      }
      const ended = closed ? undefined : once(child, 'close');
      child.stdin?.end();
      await ended;
      process.off('SIGINT', ignore);
    },
  };
}

const ignore = (): void => undefined;
