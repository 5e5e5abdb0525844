import { Command } from 'commander';
import type { ShowOptions } from '../actions/show.ts';
import { withReadingOptions } from '../search/options.ts';

export const showCommand = (): Command =>
  withReadingOptions(
    new Command('show')
      .summary('show one event, whole')
      .description('Shows everything that the ledger knows of one event, its changes as a diff.')
      .argument('<id>', 'the event’s id, a UUID')
      .option('--json', 'as JSON, on one line')
      .option('--no-pager', 'never through a pager'),
  )
    .addHelpText(
      'after',
      `
The exit code is 1 where there is no such event.

Examples:
  $ ledgerline show 0198c0de-0000-7000-8000-0000000000aa
  $ ledgerline show 0198c0de-0000-7000-8000-0000000000aa --json | jq .changes`,
    )
    .action(async (id: string, options: ShowOptions) => {
      const { runShow } = await import('../actions/show.ts');
      await runShow(id, options);
    });
