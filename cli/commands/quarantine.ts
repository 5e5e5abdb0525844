import { Command, Option } from 'commander';
import { STATES } from '../../consumers/quarantine/selection.ts';
import type { ListOptions, ShowOptions } from '../quarantine/look.ts';
import { faults, wholeNumber } from '../quarantine/options.ts';
import type { DiscardOptions, ReplayOptions } from '../quarantine/resolve.ts';
import { seconds } from '../seconds.ts';

export const quarantineCommand = (): Command =>
  new Command('quarantine')
    .summary('look at, replay and discard what could not be stored')
    .description(
      `Messages that the ledger does not take are kept in quarantine, as they came, with the reason. These
commands list them, show what is wrong, send them through the topic again, and say that they need no
more care. Nothing is ever deleted, and everything is recorded in the ledger. docs/quarantine.md has
a walk-through.`,
    )
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(replayCommand())
    .addCommand(discardCommand());

/** What narrows a selection, the same for every command. */
const withFilters = (command: Command): Command =>
  command
    .option('--fault <reason>', 'only of these reasons; several with commas', faults)
    .option('--topic <name>', 'only of this topic')
    .option('--partition <number>', 'only of this partition', wholeNumber(0x7fffffff))
    .option(
      '--since <time>',
      'quarantined since: a date, an instant, or how long ago: 7d, 12h, 30m',
    )
    .option('--until <time>', 'quarantined before: the same');

const withActor = (command: Command): Command =>
  command.option('--actor <id>', "who does it, for the record; the operating system's user");

const listCommand = (): Command =>
  withActor(withFilters(new Command('list')))
    .summary('list quarantined messages')
    .description(
      `Counts quarantined messages by reason, and lists them, the newest first. By default those that are
open: neither replayed nor discarded.`,
    )
    .option('--reason <reason>', 'the same as --fault', faults)
    .addOption(
      new Option('--state <state>', 'only of this state')
        .choices([...STATES, 'all'])
        .default('open'),
    )
    .option('--limit <number>', 'how many', wholeNumber(1_000, 1), 50)
    .option('--after <place>', 'go on where the page before ended')
    .option('--json', 'print summary, messages and the next place as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline quarantine list
  $ ledgerline quarantine list --fault invalid,expired --since 24h
  $ ledgerline quarantine list --state all --json | jq '.messages[].id'`,
    )
    .action(async (options: ListOptions) => {
      const { listMessages } = await import('../quarantine/look.ts');
      await listMessages(options);
    });

const showCommand = (): Command =>
  withActor(new Command('show'))
    .summary('show a message and what is wrong with it')
    .description(
      `Shows one quarantined message, its fault marked, its key and headers, what became of it, and whether
it would be stored today. Whatever it holds is printed so that a terminal does nothing but show it.`,
    )
    .argument('<id>', 'topic/partition@offset, as list prints it')
    .option('--raw', 'its exact bytes, to a file or pipe')
    .option('--json', 'print it as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline quarantine show audit.events/3@1042
  $ ledgerline quarantine show audit.events/3@1042 --raw > message.json
  $ ledgerline quarantine show audit.events/3@1042 --json | jq .today`,
    )
    .action(async (id: string, options: ShowOptions) => {
      const { showMessage } = await import('../quarantine/look.ts');
      await showMessage(id, options);
    });

const withResolving = (command: Command): Command =>
  withActor(
    withFilters(command.argument('[id...]', 'messages, as list prints their ids')).option(
      '--all',
      'all that are open',
    ),
  )
    .option('--dry-run', 'change nothing; say what would be done')
    .option('--yes', 'do not ask, also when it is about several messages')
    .option('--json', 'print the result as one line of JSON; a dry run: a line for each message');

const replayCommand = (): Command =>
  withResolving(new Command('replay'))
    .summary('send messages through the topic again')
    .description(
      `Sends open messages to the topic again: those that pass by now, after an upgrade or a change of
retention, or those that a transform has repaired. What would be refused again is not sent. Each event
is stored once, however often it is replayed, by whomever, and wherever a replay is killed. A transform
is an ES module that exports a function: (event, context) => event. The exit code is 1 when a message
was refused.`,
    )
    .option('--transform <file>', 'a JavaScript module that repairs messages')
    .option('--transform-timeout <seconds>', 'what it has for one message', seconds, 1)
    .option('--reason <text>', 'why, for the record', '')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline quarantine replay audit.events/3@1042
  $ ledgerline quarantine replay --fault future_version --yes --reason 'workers upgraded'
  $ ledgerline quarantine replay --fault invalid --transform ./repair.mjs --dry-run`,
    )
    .action(async (ids: string[], options: ReplayOptions) => {
      const { replayMessages } = await import('../quarantine/resolve.ts');
      process.exitCode = await replayMessages(ids, options);
    });

const discardCommand = (): Command =>
  withResolving(new Command('discard'))
    .summary('say that messages need no more care')
    .description(
      `Marks open messages as discarded, with a reason and who said so. They stay in quarantine until it
expires, and verify counts them as before.`,
    )
    .requiredOption('--reason <text>', 'why, for the record')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline quarantine discard audit.events/3@1042 --reason 'sent by a load test'
  $ ledgerline quarantine discard --fault tombstone --until 2026-11-01 --reason 'INC-7' --dry-run
  $ ledgerline quarantine discard --fault duplicate --yes --reason 'import repeated'`,
    )
    .action(async (ids: string[], options: DiscardOptions) => {
      const { discardMessages } = await import('../quarantine/resolve.ts');
      process.exitCode = await discardMessages(ids, options);
    });
