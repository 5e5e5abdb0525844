import { type Command, InvalidArgumentError, Option } from 'commander';
import { seconds } from '../seconds.ts';
import { tenantIds } from '../tenant.ts';

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
        tenantIds,
      ),
    )
    .option(
      '--time-zone <zone>',
      "of dates in the query and in the answer; this machine's by default",
    )
    // Asked here: it costs more than all the rest of a command's options, each time.
    .hook('preAction', (_, asked) => {
      if (asked.getOptionValue('timeZone') === undefined)
        asked.setOptionValue('timeZone', ownTimeZone());
    })
    .option('--timeout <seconds>', 'deadline of each answer', seconds, timeoutS);

/** A whole number from 1 to `most`, given on the command line. */
export const wholeNumber =
  (most: number) =>
  (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from 1 to ${most}.`);
  };
