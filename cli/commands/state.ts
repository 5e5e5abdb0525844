import { Command } from 'commander';
import type { StateOptions } from '../actions/state.ts';
import { withReadingOptions } from '../search/options.ts';

export const stateCommand = (): Command =>
  withReadingOptions(
    new Command('state')
      .summary('show what a target was at a time')
      .description(
        `Rebuilds a record from the changes of its events: from its creation, from an event that holds it whole, or,
where its beginning has expired, as far as it can be known. Says who said what, what is not known, and why.`,
      )
      .argument('<target>', 'its type and id: app/app-7')
      .option('--at <time>', 'up to and with this time, written as for until:', 'now')
      .option('--json', 'as JSON, on one line')
      .option('--no-pager', 'never through a pager'),
  )
    .addHelpText(
      'after',
      `
The exit code is 1 where the ledger has no event of it up to then.

Examples:
  $ ledgerline state app/app-7
  $ ledgerline state contact/c_1 --at yesterday --tenant acme
  $ ledgerline state contact/c_1 --at 2026-11-05T12:30 --json | jq .record`,
    )
    .action(async (target: string, options: StateOptions) => {
      const { runState } = await import('../actions/state.ts');
      await runState(target, options);
    });
