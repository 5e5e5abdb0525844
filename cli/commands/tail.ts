import { Command } from 'commander';
import type { TailOptions } from '../actions/tail.ts';
import { wholeNumber, withReadingOptions } from '../search/options.ts';
import { seconds } from '../seconds.ts';

export const tailCommand = (): Command =>
  withReadingOptions(
    new Command('tail')
      .summary('follow events as they are stored')
      .description(
        `Shows the newest events that a query matches, oldest of them first, and then every further one as the
ledger stores it, each once, also where it arrives late. Ends with Ctrl-C, exit code 130; waits through outages.`,
      )
      .argument('[query]', 'as for search', '')
      .option('-n, --lines <events>', 'so many to begin with', wholeNumber(1000), 10)
      .option('--interval <seconds>', 'how often to look', seconds, 1)
      .option('--json', 'one event a line, whole'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline tail
  $ ledgerline tail 'outcome:denied,failure' --tenant acme
  $ ledgerline tail 'severity:>=high' --json | jq -r .type`,
    )
    .action(async (query: string, options: TailOptions) => {
      const { runTail } = await import('../actions/tail.ts');
      await runTail(query, options);
    });
