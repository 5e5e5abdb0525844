import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { safeText } from '../safe-text.ts';
import { asideColours, say } from '../terminal.ts';

const LEVELS = new Map([
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
]);
const FRAMING = new Set(['level', 'time', 'pid', 'hostname', 'msg']);

/** Shows a worker's log lines as people read them; what is no log line is shown as it is. */
export function showWorkerOutput(output: Readable): void {
  createInterface({ input: output }).on('line', (line) => {
    say(`${asideColours.dim('worker')} ${readableLine(line)}`);
  });
}

/**
 * A line of pino's JSON as `info joined the group generation=1`. Pure.
 *
 * @example
 * readableLine('{"level":30,"pid":7,"msg":"stopped","rows":12}'); // 'info stopped rows=12'
 */
export function readableLine(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return safeText(line);
  }
  const level = LEVELS.get(entry['level'] as number);
  if (level === undefined) return safeText(line);
  const fields = Object.entries(entry)
    .filter(([name]) => !FRAMING.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return safeText([level, entry['msg'], ...fields].join(' '));
}
