import { Command } from 'commander';
import { pino } from 'pino';
import {
  migrateOutbox,
  outboxSql,
  outboxStatus,
  rejectedEvents,
  retryRejected,
  startRelay,
  type OutboxRoles,
} from '../../outbox/index.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { UsageError } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { connectionOf } from '../kafka-connection.ts';
import { outboxUrl, withOutbox } from '../outbox/connection.ts';
import { rejectedTable, statusLines } from '../outbox/report.ts';
import { counted, print } from '../terminal.ts';

interface RoleOptions {
  readonly serviceRole?: string;
  readonly relayRole?: string;
  readonly json?: true;
}
interface RetryOptions {
  readonly all?: true;
  readonly json?: true;
}

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

const rolesOf = ({ serviceRole, relayRole }: RoleOptions): OutboxRoles => ({
  service: serviceRole,
  relay: relayRole,
});

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
      const environment = readEnvironment(process.env);
      const { schema } = environment.outbox;
      const applied = await withOutbox(environment, (session) =>
        migrateOutbox(session, schema, rolesOf(options)),
      );
      if (options.json) {
        print(JSON.stringify({ schema, applied }));
        return;
      }
      for (const name of applied) print(`applied ${name} to schema ${schema}`);
      if (applied.length === 0) print(`the outbox in schema ${schema} is up to date`);
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
      const { outbox } = readEnvironment(process.env);
      print((await outboxSql(outbox.schema, rolesOf(options))).trimEnd());
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
      process.exitCode = await relay();
    });

async function relay(): Promise<ExitCode> {
  const environment = readEnvironment(process.env);
  const { kafka, logLevel } = environment.worker;
  using interruption = interruptible();
  const running = await startRelay({
    ...environment.outbox,
    url: outboxUrl(environment),
    kafka: connectionOf(kafka),
    topic: kafka.topic,
    logger: pino({
      level: logLevel,
      base: { pid: process.pid },
      serializers: { error: pino.stdSerializers.err },
    }),
  });
  const stop = (): void => void running.stop();
  if (interruption.signal.aborted) stop();
  interruption.signal.addEventListener('abort', stop, { once: true });
  await running.done;
  return EXIT.fine;
}

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
    .action(async ({ json }: { readonly json?: true }) => {
      const status = await withOutbox(readEnvironment(process.env), outboxStatus);
      if (json) print(JSON.stringify(status));
      else for (const line of statusLines(status)) print(line);
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
    .action(async ({ json }: { readonly json?: true }) => {
      const events = await withOutbox(readEnvironment(process.env), (session, schema) =>
        rejectedEvents(session, schema),
      );
      if (json) print(JSON.stringify(events));
      else print(events.length === 0 ? 'nothing was set aside' : rejectedTable(events));
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
    .action(async (ids: string[], { all, json }: RetryOptions) => {
      const which = idsOf(ids, all === true);
      const retried = await withOutbox(readEnvironment(process.env), (session, schema) =>
        retryRejected(session, schema, which),
      );
      if (json) print(JSON.stringify({ retried }));
      else print(`${counted(retried, 'event')} put back`);
      if (which !== 'all' && retried < new Set(which).size) process.exitCode = EXIT.faults;
    });

function idsOf(ids: readonly string[], all: boolean): readonly string[] | 'all' {
  if (all && ids.length === 0) return 'all';
  if (!all && ids.length > 0 && ids.every((id) => /^\d{1,18}$/.test(id))) return ids;
  throw new UsageError('Which events?', 'Give their ids as numbers, or --all.');
}
