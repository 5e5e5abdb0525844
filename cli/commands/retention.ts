import { Command } from 'commander';
import type { CleanupOptions, SetOptions, SweepCommandOptions } from '../actions/retention.ts';

export const retentionCommand = (): Command =>
  new Command('retention')
    .summary('how long events are kept, and removing what has expired')
    .description(
      `How long events are kept is a matter of their retention class; how many days a class has is a matter
of the table. See docs/retention.md.`,
    )
    .addCommand(statusCommand())
    .addCommand(setCommand())
    .addCommand(sweepCommand())
    .addCommand(cleanupCommand('pause', false))
    .addCommand(cleanupCommand('resume', true));

const statusCommand = (): Command =>
  new Command('status')
    .summary('what each class holds, what expires next, and how much storage it tends to')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExample:\n  $ ledgerline retention status')
    .action(async (options: { readonly json?: true }) => {
      const { runStatus } = await import('../actions/retention.ts');
      await runStatus(options);
    });

const setCommand = (): Command =>
  new Command('set')
    .summary("change classes' days, after a look at what that would expire")
    .description(
      `Changes the days of retention classes, or adds classes. Says first what would expire; where anything
would, asks, or wants --yes where nobody can be asked. The change is recorded in the ledger.`,
    )
    .argument('<class=days...>', 'such as standard=30')
    .option('--dry-run', 'say what would expire, and change nothing')
    .option('--yes', 'do not ask')
    .option('--reason <text>', 'why, for the record')
    .option('--actor <id>', "who, for the record; this system's user by default")
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline retention set standard=30 --dry-run
  $ ledgerline retention set standard=30 gateway_reads=7 --reason "data protection review" --yes`,
    )
    .action(async (given: string[], options: SetOptions) => {
      const { runSet } = await import('../actions/retention.ts');
      await runSet(given, options);
    });

const sweepCommand = (): Command =>
  new Command('sweep')
    .summary('remove what has expired, on the day')
    .description(
      `Removes every event whose days are over. The table itself drops whole months only: run this daily.
Reads and inserts go on meanwhile; Ctrl-C stops after the step at hand, and the next sweep goes on.
A step deletes about AUDIT_TRAIL_CLEANUP_BATCH_SIZE rows, as far as whole parts allow (docs/retention.md).`,
    )
    .option('--dry-run', 'say what would go, and remove nothing')
    .option('--purge', 'rewrite the parts, so that deleted rows leave the disk now')
    .option('--metrics <file>', "write the run's figures as Prometheus text, for a node exporter")
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline retention sweep --dry-run
  $ ledgerline retention sweep --metrics /var/lib/node_exporter/ledgerline_sweep.prom`,
    )
    .action(async (options: SweepCommandOptions) => {
      const { runSweep } = await import('../actions/retention.ts');
      await runSweep(options);
    });

const cleanupCommand = (name: 'pause' | 'resume', enabled: boolean): Command =>
  new Command(name)
    .summary(
      enabled
        ? 'let events expire again, those whose days are over at once'
        : 'stop all expiry, until resumed',
    )
    .option('--reason <text>', 'why, for the record')
    .option('--actor <id>', "who, for the record; this system's user by default")
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `\nExample:\n  $ ledgerline retention ${name} --reason "lawyers asked"`)
    .action(async (options: CleanupOptions) => {
      const { runCleanup } = await import('../actions/retention.ts');
      await runCleanup(enabled, options);
    });
