import { Command } from 'commander';
import type { IntoOptions } from '../actions/rebuild.ts';

/** `--json` is the parent's as well, which takes it wherever it stands: hence `optsWithGlobals`. */
export const rebuildCommand = (): Command =>
  new Command('rebuild')
    .summary("fill a fresh table from Kafka and put it in the ledger's place")
    .description(
      `Reads the topic into a fresh table, with a group of its own and the guarantees of a worker; what Kafka no
longer holds, and what was erased since, is copied from the ledger. Workers go on meanwhile. Run again after
an interruption or a kill, it goes on where it was. Every step is recorded in the ledger.
docs/rebuild.md has the whole story.

  1. ledgerline rebuild --into events_2        fills the table until it has caught up
  2. ledgerline rebuild swap events_2          fences the workers, compares, exchanges the tables
  3. ledgerline rebuild drop events_2 …        drops the old ledger, which then bears that name`,
    )
    .option('--into <table>', 'the table to fill')
    .option('--from-beginning', 'read all that Kafka holds (the default)')
    .option(
      '--since <time>',
      'read what Kafka took since then: a date, an instant, or 7d, 12h; copy the rest',
    )
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline rebuild --into events_2
  $ ledgerline rebuild --into events_2 --since 7d --json
  $ ledgerline rebuild swap events_2
  $ ledgerline rebuild list
  $ ledgerline rebuild drop events_2 --yes events_2

Exit codes: 0 done, 1 refused or failed (the ledger is as it was), 2 asked for wrongly, 130 interrupted.`,
    )
    .action(async (options: Partial<IntoOptions>, command: Command) => {
      const { into } = options;
      if (into === undefined)
        command.error("error: required option '--into <table>' not specified");
      const { runInto } = await import('../actions/rebuild.ts');
      await runInto({ ...options, into });
    })
    .addCommand(
      new Command('swap')
        .summary("put a rebuilt table in the ledger's place")
        .description(
          `Fences the workers at their committed offsets, reads up to there, copies what only the old table has, and
exchanges the two tables; refused unless the new one holds every offset that the old one holds, erased events as
they are now. Takes a little longer than LEDGERLINE_LEASE_MS, which has to be the workers' own; meanwhile events
wait in Kafka. Workers need not be stopped.`,
        )
        .argument('<table>', 'the rebuilt table')
        .option(
          '--idle-topic <topic…>',
          'another topic whose events the ledger holds, and whose workers are stopped',
          (topic: string, topics: readonly string[]) => [...topics, topic],
          [] as readonly string[],
        )
        .option('--json', 'print one line of JSON')
        .addHelpText(
          'after',
          '\nExamples:\n  $ ledgerline rebuild swap events_2\n  $ ledgerline rebuild swap events_2 --idle-topic audit.archive --json',
        )
        .action(async (table: string, _: object, command: Command) => {
          const { runSwap } = await import('../actions/rebuild.ts');
          await runSwap(table, command.optsWithGlobals());
        }),
    )
    .addCommand(
      new Command('list')
        .summary('tables that rebuilds have made or replaced')
        .description(
          `Each with how far it is, its rows and size, since when, and the command that goes on with it. A table that was
replaced takes its room, and is reached by erasures, until it is dropped.`,
        )
        .option('--json', 'print one line of JSON')
        .addHelpText(
          'after',
          '\nExamples:\n  $ ledgerline rebuild list\n  $ ledgerline rebuild list --json',
        )
        .action(async (_: object, command: Command) => {
          const { runList } = await import('../actions/rebuild.ts');
          await runList(command.optsWithGlobals());
        }),
    )
    .addCommand(
      new Command('drop')
        .summary('drop a table that a rebuild has made or replaced')
        .description(
          `Only a table that a rebuild has made or replaced, and never one that is being swapped. Its rows are gone for good.`,
        )
        .argument('<table>', 'its name')
        .option('--yes <table>', 'its name again, as confirmation')
        .option('--json', 'print one line of JSON')
        .addHelpText('after', '\nExamples:\n  $ ledgerline rebuild drop events_2 --yes events_2')
        .action(async (table: string, _: object, command: Command) => {
          const { runDrop } = await import('../actions/rebuild.ts');
          await runDrop(table, command.optsWithGlobals());
        }),
    );
