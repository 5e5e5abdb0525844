import { Command } from 'commander';
import type { PlaceOptions, ReleaseOptions } from '../actions/hold.ts';
import { withReadingOptions } from '../search/options.ts';

export const holdCommand = (): Command =>
  new Command('hold')
    .summary('keep events beyond their days, for as long as a case takes')
    .description(
      `A hold exempts the events that a query matches from expiry, sweeps and erasure until it is released.
Placing and releasing are recorded in the ledger. See docs/holds.md.`,
    )
    .addCommand(placeCommand())
    .addCommand(listCommand())
    .addCommand(releaseCommand())
    .addCommand(syncCommand());

const placeCommand = (): Command =>
  withReadingOptions(
    new Command('place')
      .summary('hold the events that a query matches')
      .argument('<query>', 'as for `ledgerline search`')
      .requiredOption('--name <text>', 'what people call it')
      .requiredOption('--owner <text>', 'who answers for it')
      .requiredOption('--reason <text>', 'why')
      .option('--actor <id>', "who, for the record; this system's user by default")
      .option('--dry-run', 'say how many events it would be about, and hold none')
      .option('--yes', 'do not ask where it is about nothing, or about everything')
      .option('--json', 'print one line of JSON'),
    { timeoutS: 3_600 },
  )
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline hold place 'actor:user/u_7 since:2026-01-01' --name "Case 17" --owner legal --reason "litigation" --dry-run
  $ ledgerline hold place 'target:app/app-7' --tenant acme --name "Case 18" --owner legal --reason "subpoena"`,
    )
    .action(async (query: string, options: PlaceOptions) => {
      const { runPlace } = await import('../actions/hold.ts');
      await runPlace(query, options);
    });

const listCommand = (): Command =>
  new Command('list')
    .summary('which holds there are')
    .option('--all', 'also those that were released')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExample:\n  $ ledgerline hold list --all')
    .action(async (options: { readonly all?: true; readonly json?: true }) => {
      const { runList } = await import('../actions/hold.ts');
      await runList(options);
    });

const releaseCommand = (): Command =>
  new Command('release')
    .summary('let the events of a hold expire again')
    .argument('<id>', "the hold's id, of `ledgerline hold list`")
    .requiredOption('--reason <text>', 'why')
    .option('--actor <id>', "who, for the record; this system's user by default")
    .option('--yes', 'do not ask')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ ledgerline hold release 019ab1c2-7d3e-7a41-9c0f-2b6a51d8e7f4 --reason "case closed"',
    )
    .action(async (id: string, options: ReleaseOptions) => {
      const { runRelease } = await import('../actions/hold.ts');
      await runRelease(id, options);
    });

const syncCommand = (): Command =>
  new Command('sync')
    .summary('put what has come since under the holds; `retention sweep` does so first')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExample:\n  $ ledgerline hold sync')
    .action(async (options: { readonly json?: true }) => {
      const { runSync } = await import('../actions/hold.ts');
      await runSync(options);
    });
