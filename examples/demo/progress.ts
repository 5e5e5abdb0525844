import pc from 'picocolors';

// A pipe has no `isTTY` at all, and `undefined` would let the colours' library guess.
const tty = Boolean(process.stderr.isTTY) && process.env['TERM'] !== 'dumb';
const colours = pc.createColors(tty && !process.env['NO_COLOR']);
const startedAt = performance.now();

/** `1234567` as `1,234,567`. */
export const count = (value: number): string => value.toLocaleString('en-US');

const stamp = (): string =>
  colours.dim(`${((performance.now() - startedAt) / 1000).toFixed(1)}s`.padStart(6));
let unfinished = false;

/** One line on stderr that stays. */
export function say(text: string): void {
  if (unfinished) process.stderr.write('\r\u001b[K');
  unfinished = false;
  process.stderr.write(`${stamp()}  ${text}\n`);
}

/** The line that is written over and over; only on a terminal, where it does not pile up. */
export function update(text: string): void {
  if (!tty) return;
  process.stderr.write(`\r\u001b[K${stamp()}  ${text}`);
  unfinished = true;
}
