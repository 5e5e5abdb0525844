import { Command, Option } from 'commander';
import type { HistoryOptions } from '../actions/history.ts';
import { wholeNumber, withReadingOptions } from '../search/options.ts';

const MAX_LIMIT = 1_000_000;

export const historyCommand = (): Command =>
  withReadingOptions(
    new Command('history')
      .summary('show what happened to a target')
      .description(
        `Shows every event of a target, oldest first, each with its changes as a diff; those of its children, which
name it as their parent, are among them.`,
      )
      .argument('<target>', 'its type and id: app/app-7')
      .option('--limit <events>', 'at most so many', wholeNumber(MAX_LIMIT), 1000)
      .addOption(
        new Option('--order <order>', 'which first')
          .choices(['newest', 'oldest'])
          .default('oldest'),
      )
      .option('--json', 'one event a line, whole')
      .option('--no-pager', 'never through a pager'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline history app/app-7
  $ ledgerline history app/app-7 --tenant acme --order newest --limit 20
  $ ledgerline history env_var/ev_1 --json | jq -c .changes`,
    )
    .action(async (target: string, options: HistoryOptions) => {
      const { runHistory } = await import('../actions/history.ts');
      await runHistory(target, options);
    });
