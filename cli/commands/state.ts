import { Command } from 'commander';
import { stateAt } from '../../clickhouse/index.ts';
import { EXIT } from '../exit-codes.ts';
import { stateLines } from '../history/state-lines.ts';
import { targetOf } from '../history/target.ts';
import { safeJson } from '../search/json.ts';
import { reading, type ReadingOptions, withReadingOptions } from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { print } from '../terminal.ts';

interface StateOptions extends ReadingOptions {
  readonly at: string;
  readonly pager: boolean;
}

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
      const key = targetOf(target);
      await reading(`target:${target}`, options, async (clickhouse, ask) => {
        const state = await stateAt(clickhouse, key, options.at, ask);
        if (state.existence === 'unknown' || state.existence === 'absent') {
          process.exitCode = EXIT.faults;
        }
        if (options.json) {
          print(safeJson(state));
          return;
        }
        const lines = answerLines(options.pager);
        const look = { nowMs: Date.now(), timeZone: options.timeZone };
        for (const line of stateLines(state, look)) await lines.write(line);
        await lines.end();
      });
    });
