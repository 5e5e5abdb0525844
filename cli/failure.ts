import { CommanderError } from 'commander';
import { LedgerlineError } from '../schemas/errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { safeText } from './safe-text.ts';

/** Faults of what was asked for, as opposed to what happened when it was tried. */
const USAGE_CODES = new Set([
  'CONFIG_INVALID',
  'POLICY_INVALID',
  'RETENTION_INVALID',
  'DATABASE_NAME_INVALID',
  'QUERY_INVALID',
]);

/** Errors whose message is a list, a fault a line. */
const LISTS = new Set(['CONFIG_INVALID', 'POLICY_INVALID']);

/** What the record of an act says of an error: never its text, which may name somebody. */
export const failureCode = (error: unknown): string =>
  error instanceof LedgerlineError ? error.code : 'UNEXPECTED';

/** A fault of the command line itself that the option parser cannot see. */
export class UsageError extends LedgerlineError {
  override readonly name = 'UsageError';

  constructor(message: string, hint: string) {
    super('CONFIG_INVALID', message, { hint });
  }
}

/** One line: what is wrong, the address or field, the way out. Configuration lists all its faults. Pure. */
export function failureLines(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(failureLines);
  if (error instanceof LedgerlineError) {
    const hint = capitalised(sentence(error.hint));
    const [first = '', ...faults] = error.message.split('\n');
    return LISTS.has(error.code) && faults.length > 0
      ? [safeText(first), ...faults.map(safeText), `  ${hint}`]
      : [`${sentence(error.message)} ${hint}`];
  }
  const text = error instanceof Error ? error.message : String(error);
  return [
    `${sentence(`Unexpected: ${text}`)} Run it again with --debug and report what it prints.`,
  ];
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
  if (error instanceof AggregateError) {
    return error.errors.some((one) => exitCodeOf(one) === EXIT.usage) ? EXIT.usage : EXIT.faults;
  }
  return error instanceof LedgerlineError && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.faults;
}

/** What --debug shows beside the line: where each error was made, and what caused it. */
export function traceLines(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error) || depth > 8) return [];
  const own = (error.stack ?? error.message).split('\n').map(safeText);
  const inner: unknown[] = error instanceof AggregateError ? error.errors : [error.cause];
  return [...own, ...inner.flatMap((cause) => traceLines(cause, depth + 1))];
}

/** In one line, ended by a full stop where nothing ends it. */
function sentence(text: string): string {
  const whole = safeText(text.trim().replace(/\s+/g, ' ')).replace(/[\s.]*\.\s*\./g, '.');
  return /[.!?:…]$/.test(whole) ? whole : `${whole}.`;
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
