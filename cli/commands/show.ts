import { Command } from 'commander';
import { eventById } from '../../clickhouse/index.ts';
import { EXIT } from '../exit-codes.ts';
import { eventPage } from '../search/event-page.ts';
import { safeJson } from '../search/json.ts';
import { reading, type ReadingOptions, withReadingOptions } from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { print, say } from '../terminal.ts';

interface ShowOptions extends ReadingOptions {
  readonly pager: boolean;
}

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
      await reading(id, options, async (clickhouse, ask) => {
        const event = await eventById(clickhouse, id, ask);
        if (event === undefined) {
          say('no such event: it was never stored, has expired, or is another tenant’s');
          process.exitCode = EXIT.faults;
          return;
        }
        if (options.json) {
          print(safeJson(event));
          return;
        }
        const lines = answerLines(options.pager);
        const look = { nowMs: Date.now(), timeZone: options.timeZone };
        for (const line of eventPage(event, look)) await lines.write(line);
        await lines.end();
      });
    });
