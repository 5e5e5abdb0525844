import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type AskOptions,
  type ClickHouse,
  EVERY_TENANT,
  QueryError,
} from '../../clickhouse/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { onRecord } from '../read-record.ts';
import { seconds } from '../seconds.ts';
import { say } from '../terminal.ts';
import { caretLines } from './caret.ts';

/** What every command that reads events takes. */
export interface ReadingOptions {
  readonly tenant?: readonly string[];
  readonly timeZone: string;
  readonly timeout: number;
  readonly json?: true;
}

const DEFAULT_TIMEOUT_S = 60;

/** Dates on a terminal are those of the person before it. */
const ownTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

export const withReadingOptions = (
  command: Command,
  { timeoutS = DEFAULT_TIMEOUT_S }: { readonly timeoutS?: number } = {},
): Command =>
  command
    .addOption(
      new Option('--tenant <id>', 'only this tenant’s events; may be repeated').argParser(
        (id: string, known: readonly string[] | undefined) => [...(known ?? []), id],
      ),
    )
    .option('--time-zone <zone>', 'of dates in the query and in the answer', ownTimeZone())
    .option('--timeout <seconds>', 'deadline of each answer', seconds, timeoutS);

/** A whole number from 1 to `most`, given on the command line. */
export const wholeNumber =
  (most: number) =>
  (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from 1 to ${most}.`);
  };

/**
 * Asks the ledger something about a query, with Ctrl-C ending statement and wait. A fault in the query
 * is shown where it is. Looking is recorded, unless the command records itself what it does.
 */
export async function reading(
  query: string,
  options: ReadingOptions,
  use: (clickhouse: ClickHouse, ask: AskOptions) => Promise<void>,
  { recorded = true }: { readonly recorded?: boolean } = {},
): Promise<void> {
  const environment = readEnvironment(process.env);
  using interruption = interruptible();
  const ask: AskOptions = {
    tenant: options.tenant ?? EVERY_TENANT,
    timeZone: options.timeZone,
    timeoutMs: options.timeout * 1000,
    signal: interruption.signal,
  };
  try {
    await withClickHouse(environment, async (clickhouse) => {
      await clickhouse.ping(CONTACT_DEADLINE_MS);
      const look = { query, language: 'search', tenants: options.tenant } as const;
      if (recorded) await onRecord(environment, look, () => use(clickhouse, ask));
      else await use(clickhouse, ask);
    });
  } catch (error) {
    if (error instanceof QueryError) for (const line of caretLines(query, error)) say(line);
    if (!interruption.signal.aborted) throw error;
  }
  if (interruption.signal.aborted) process.exitCode = EXIT.interrupted;
}
