import { Command } from 'commander';
import type { EraseOptions } from '../actions/erase.ts';
import { tenantIds } from '../tenant.ts';

export const eraseCommand = (): Command =>
  new Command('erase')
    .summary("replace a person's values; that something happened stays")
    .description(
      `Finds every event that is about a person, by id as actor, target or related party, or by name in any
text, and replaces what can be personal: names, texts, changes, data, execution, attributes, the address.
Ids, types, times and outcomes stay. Messages in quarantine that name them lose their body. It is recorded in
the ledger without the identifiers. A hold forbids it until it is released. See docs/erasure.md.`,
    )
    .argument(
      '<identifier...>',
      'what they are called: ids, names, e-mail addresses; each as a whole word',
    )
    .option('--tenant <id>', 'only this tenant’s events; may be repeated', tenantIds)
    .option('--reason <text>', 'why, for the record')
    .option('--actor <id>', "who, for the record; this system's user by default")
    .option('--dry-run', 'say how much there is, and erase nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline erase u_7 jane@example.com --dry-run
  $ ledgerline erase u_7 jane@example.com "Jane Doe" --tenant acme --reason "request 2026-11-12" --yes`,
    )
    .action(async (identifiers: string[], options: EraseOptions) => {
      const { runErase } = await import('../actions/erase.ts');
      await runErase(identifiers, options);
    });
