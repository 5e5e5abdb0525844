import type { WriteStream } from 'node:tty';
import pc from 'picocolors';
import { EXIT } from './exit-codes.ts';

/** stdout carries the answer, for people or for machines; everything else goes to stderr. */

type Output = NodeJS.WriteStream | WriteStream;

/** Colours only where a person reads them: on a terminal, unless https://no-color.org says no. */
const coloured = (stream: Output): boolean =>
  // A pipe has no `isTTY` at all, and `undefined` would let the library guess: yes, where `CI` is set.
  Boolean(stream.isTTY) && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';

export const answerColours = pc.createColors(coloured(process.stdout));
export const asideColours = pc.createColors(coloured(process.stderr));

/** One line of the answer. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** One line beside it: progress, faults, what to do next. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** `1234567` as `1,234,567`. */
export const count = (value: number): string => value.toLocaleString('en-US');

/** `count(1, 'event')` is "1 event", two are "2 events". */
export const counted = (value: number, thing: string): string =>
  `${count(value)} ${thing}${value === 1 ? '' : 's'}`;

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1536` as "1.50 KiB". */
export function size(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? Math.round(value) : value.toPrecision(3)} ${UNITS[power]}`;
}

/** The longest that a command whose reader is gone takes to finish what it has to. */
const FINISHING_MS = 5_000;
let unfinished: Promise<unknown> = Promise.resolve();

/** What has to be done even when nobody reads the answer to its end: that it was looked at, for the record. */
export function finishFirst(work: Promise<unknown>): void {
  unfinished = Promise.allSettled([unfinished, work]);
}

let changing = false;

/** What a command changes is not left half-way because nobody reads its answer: it ends when it is done. */
export function goOnWithoutReader(): void {
  changing = true;
}

/**
 * A reader that has seen enough (`ledgerline query … | head`) closes the pipe. That is not a fault:
 * stop, at once or when the look is on record, and say nothing. Where there is no room for the answer, that is said.
 */
export function endQuietlyWithReader(): void {
  const gone = new Set(['EPIPE', 'ERR_STREAM_DESTROYED']);
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!gone.has(error.code ?? '')) {
        process.exitCode = EXIT.faults;
        if (stream === process.stdout) unwritten(error);
      }
      if (changing) return;
      setTimeout(() => process.exit(), FINISHING_MS);
      void unfinished.then(() => process.exit());
    });
  }
}

let told = false;

function unwritten({ code }: NodeJS.ErrnoException): void {
  if (told) return;
  told = true;
  say(
    `${asideColours.red('ledgerline:')} the answer could not be written (${code}). Make room, or let another file take it.`,
  );
}

/** Resolves when what was printed has left this process. */
export const printed = (): Promise<void> =>
  new Promise((resolve) => process.stdout.write('', () => resolve()));
