import { Command } from 'commander';
import type { RetryOptions, RoleOptions } from '../actions/outbox.ts';

const SERVICE_ROLE = [
  '--service-role <name>',
  'grant this role to write events, and nothing else',
] as const;
const RELAY_ROLE = ['--relay-role <name>', 'grant this role what a relay needs'] as const;

export const outboxCommand = (): Command =>
  new Command('outbox')
    .summary('events that commit with your data (PostgreSQL)')
    .description(
      `The transactional outbox: services insert events in the transaction of the change they are about,
and a relay publishes them in the order of commits. docs/outbox.md shows the setup.`,
    )
    .addCommand(migrateCommand())
    .addCommand(sqlCommand())
    .addCommand(relayCommand())
    .addCommand(statusCommand())
    .addCommand(rejectedCommand())
    .addCommand(retryCommand());

const migrateCommand = (): Command =>
  new Command('migrate')
    .summary("bring PostgreSQL to this version's outbox")
    .description(
      `Makes the outbox's tables, triggers and function in the schema LEDGERLINE_OUTBOX_SCHEMA, and grants
roles that exist already what they need. Running it again, or twice at once, changes nothing more.`,
    )
    .option(...SERVICE_ROLE)
    .option(...RELAY_ROLE)
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ LEDGERLINE_OUTBOX_URL=postgres://owner@127.0.0.1:5432/shop ledgerline outbox migrate
  $ ledgerline outbox migrate --service-role shop --relay-role ledgerline_relay`,
    )
    .action(async (options: RoleOptions) => {
      const { runMigrate } = await import('../actions/outbox.ts');
      await runMigrate(options);
    });

const sqlCommand = (): Command =>
  new Command('sql')
    .summary('print what migrate would run')
    .description(
      `Prints the outbox as SQL, for those whose migrations are done by Prisma, Flyway, Knex, …: run it in
one transaction. Reads nothing but LEDGERLINE_OUTBOX_SCHEMA.`,
    )
    .option(...SERVICE_ROLE)
    .option(...RELAY_ROLE)
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline outbox sql > migrations/V7__ledgerline_outbox.sql
  $ LEDGERLINE_OUTBOX_SCHEMA=audit ledgerline outbox sql --service-role shop | psql -1`,
    )
    .action(async (options: RoleOptions) => {
      const { runSql } = await import('../actions/outbox.ts');
      await runSql(options);
    });

const relayCommand = (): Command =>
  new Command('relay')
    .summary('carry events from the outbox to Kafka')
    .description(
      `Runs one relay in the foreground until SIGTERM or SIGINT, which let it finish what is on its way; a
second signal ends it at once, which loses nothing either. Of several relays one publishes, the others
stand by. Logs are lines of JSON on stdout, without the contents of events.`,
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 stopped, 1 PostgreSQL or Kafka could not be reached at the start, 2 faulty configuration.

Examples:
  $ LEDGERLINE_OUTBOX_URL=postgres://ledgerline_relay@127.0.0.1:5432/shop ledgerline outbox relay
  $ node --env-file=.env dist/cli/ledgerline.js outbox relay`,
    )
    .action(async () => {
      const { runRelay } = await import('../actions/outbox.ts');
      await runRelay();
    });

const statusCommand = (): Command =>
  new Command('status')
    .summary('how many events wait, and for how long')
    .description('Says how many events wait in the outbox, for how long, and whether a relay runs.')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline outbox status
  $ ledgerline outbox status --json | jq .oldestSeconds`,
    )
    .action(async (options: { readonly json?: true }) => {
      const { runStatus } = await import('../actions/outbox.ts');
      await runStatus(options);
    });

const rejectedCommand = (): Command =>
  new Command('rejected')
    .summary('list events that were set aside')
    .description('Lists the first 1,000 events that cannot be published, with the reason.')
    .option('--json', 'print a list in JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline outbox rejected
  $ ledgerline outbox rejected --json | jq -r '.[].reason' | sort | uniq -c`,
    )
    .action(async (options: { readonly json?: true }) => {
      const { runRejected } = await import('../actions/outbox.ts');
      await runRejected(options);
    });

const retryCommand = (): Command =>
  new Command('retry')
    .summary('put events that were set aside back')
    .description(
      'Puts events back into the outbox, at its end, once their cause is gone: a larger limit of the topic, or a value repaired in ledgerline_outbox_rejected.',
    )
    .argument('[id...]', 'as "rejected" lists them')
    .option('--all', 'all of them')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline outbox retry 1042 1043
  $ ledgerline outbox retry --all`,
    )
    .action(async (ids: string[], options: RetryOptions) => {
      const { runRetry } = await import('../actions/outbox.ts');
      await runRetry(ids, options);
    });
