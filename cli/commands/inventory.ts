import { Command } from 'commander';
import { inventory } from '../../clickhouse/index.ts';
import { inventoryLine } from '../history/state-lines.ts';
import { safeJson } from '../search/json.ts';
import {
  reading,
  type ReadingOptions,
  wholeNumber,
  withReadingOptions,
} from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { asideColours, say } from '../terminal.ts';

interface InventoryOptions extends ReadingOptions {
  readonly at: string;
  readonly limit?: number;
  readonly pager: boolean;
}

export const inventoryCommand = (): Command =>
  withReadingOptions(
    new Command('inventory')
      .summary('list all targets of a type, with what they were at a time')
      .description(
        `Lists every target of a type that there is, as the events say: created or changed, and not deleted. Each with its
record, rebuilt from its changes. Targets that were only read, or run, are not listed.`,
      )
      .argument('<type>', 'the targets’ type: app')
      .option('--at <time>', 'up to and with this time, written as for until:', 'now')
      .option('--limit <targets>', 'at most so many', wholeNumber(100_000_000))
      .option('--json', 'one target a line, whole')
      .option('--no-pager', 'never through a pager'),
    { timeoutS: 600 },
  )
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline inventory app
  $ ledgerline inventory contact --at 2026-11-01 --tenant acme
  $ ledgerline inventory server --json | jq -c '[.target.id, .record.region]'`,
    )
    .action(async (type: string, options: InventoryOptions) => {
      await reading(`target.type:${type}`, options, async (clickhouse, ask) => {
        const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
        const look = { nowMs: Date.now(), timeZone: options.timeZone, columns };
        const showTenant = options.tenant?.length !== 1;
        const lines = answerLines(options.pager && !options.json);
        let shown = 0;
        let more = false;
        try {
          for await (const state of inventory(clickhouse, type, options.at, ask)) {
            more = shown === options.limit;
            if (more) break;
            shown += 1;
            const line = options.json ? safeJson(state) : inventoryLine(state, look, showTenant);
            if (!(await lines.write(line))) break;
          }
        } finally {
          await lines.end();
        }
        if (more) say(asideColours.dim('there are more: --limit'));
        if (shown === 0 && !options.json) say(asideColours.dim('no targets of this type'));
      });
    });
