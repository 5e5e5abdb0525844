import { Command } from 'commander';
import type { InventoryOptions } from '../actions/inventory.ts';
import { wholeNumber, withReadingOptions } from '../search/options.ts';

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
      const { runInventory } = await import('../actions/inventory.ts');
      await runInventory(type, options);
    });
