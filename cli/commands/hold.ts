import { Command } from 'commander';
import {
  count as countEvents,
  listHolds,
  placeHold,
  releaseHold,
  syncHolds,
} from '../../clickhouse/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { UsageError } from '../failure.ts';
import { holdsTable, placedLines } from '../holds/report.ts';
import { operatorName } from '../operator-name.ts';
import { OperatorRecord } from '../operator-record.ts';
import { confirmed } from '../confirmed.ts';
import { reading, type ReadingOptions, withReadingOptions } from '../search/options.ts';
import { safeJson } from '../search/json.ts';
import { count, counted, print, say } from '../terminal.ts';

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

interface PlaceOptions extends ReadingOptions {
  readonly name: string;
  readonly owner: string;
  readonly reason: string;
  readonly actor?: string;
  readonly dryRun?: true;
  readonly yes?: true;
}

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
      await reading(
        query,
        options,
        async (clickhouse, ask) => {
          const { stored } = await countEvents(clickhouse, query, ask);
          if (options.dryRun) {
            if (options.json) print(safeJson({ events: stored, placed: false }));
            else print(`${counted(stored, 'event')} would be held: --dry-run`);
            return;
          }
          const unusual =
            stored === 0
              ? 'No event matches. Hold what may come later all the same?'
              : query.trim() === ''
                ? `This holds everything there is, ${counted(stored, 'event')}. Really?`
                : undefined;
          if (unusual !== undefined && !options.yes && !(await confirmed(unusual))) {
            say('nothing is held');
            process.exitCode = EXIT.faults;
            return;
          }
          await using record = await OperatorRecord.open(readEnvironment(process.env));
          const { name, owner, reason, actor = operatorName() } = options;
          const hold = await placeHold(clickhouse, {
            query,
            tenant: ask.tenant,
            name,
            owner,
            reason,
            actor,
            ...(ask.signal && { signal: ask.signal }),
          });
          await record.add({
            type: 'ledger.hold.placed',
            target: { type: 'hold', id: hold.id, name },
            data: {
              name,
              owner,
              query,
              events: hold.events,
              ...(hold.tenants && { tenants: hold.tenants }),
            },
            reason,
            actor,
          });
          if (options.json) print(safeJson({ ...hold, placed: true }));
          else for (const line of placedLines(hold)) print(line);
        },
        { recorded: false },
      );
    });

const listCommand = (): Command =>
  new Command('list')
    .summary('which holds there are')
    .option('--all', 'also those that were released')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExample:\n  $ ledgerline hold list --all')
    .action(async ({ all, json }: { readonly all?: true; readonly json?: true }) => {
      const holds = await withClickHouse(readEnvironment(process.env), async (clickhouse) => {
        await clickhouse.ping(CONTACT_DEADLINE_MS);
        return listHolds(clickhouse);
      });
      const shown = holds.filter(({ releasedAt }) => all || releasedAt === undefined);
      if (json) print(safeJson(shown));
      else if (shown.length === 0) say(all ? 'no holds' : 'no holds; released ones: --all');
      else print(holdsTable(shown));
    });

interface ReleaseOptions {
  readonly reason: string;
  readonly actor?: string;
  readonly yes?: true;
  readonly json?: true;
}

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
    .action(async (id: string, { reason, actor = operatorName(), yes, json }: ReleaseOptions) => {
      const environment = readEnvironment(process.env);
      await withClickHouse(environment, async (clickhouse) => {
        await clickhouse.ping(CONTACT_DEADLINE_MS);
        const hold = (await listHolds(clickhouse)).find((one) => one.id === id.toLowerCase());
        if (hold === undefined || hold.releasedAt !== undefined) {
          throw new UsageError(
            hold === undefined ? 'There is no hold of this id.' : 'This hold was released already.',
            'See `ledgerline hold list --all`.',
          );
        }
        const question = `Release it? ${count(hold.events)} events expire by their own days again.`;
        if (!yes && !(await confirmed(question))) {
          say('it holds on');
          process.exitCode = EXIT.faults;
          return;
        }
        await using record = await OperatorRecord.open(environment);
        await releaseHold(clickhouse, { hold: hold.id, reason, actor });
        await record.add({
          type: 'ledger.hold.released',
          target: { type: 'hold', id: hold.id, name: hold.name },
          data: { name: hold.name, events: hold.events },
          reason,
          actor,
        });
        if (json) print(safeJson({ released: true, id: hold.id, events: hold.events }));
        else print(`released: ${counted(hold.events, 'event')} expire by their own days again`);
      });
    });

const syncCommand = (): Command =>
  new Command('sync')
    .summary('put what has come since under the holds; `retention sweep` does so first')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', '\nExample:\n  $ ledgerline hold sync')
    .action(async ({ json }: { readonly json?: true }) => {
      const synced = await withClickHouse(readEnvironment(process.env), async (clickhouse) => {
        await clickhouse.ping(CONTACT_DEADLINE_MS);
        return syncHolds(clickhouse);
      });
      const added = synced.reduce((sum, one) => sum + one.added, 0);
      if (json)
        print(safeJson(synced.map(({ hold, added: events }) => ({ id: hold.id, added: events }))));
      else print(`${counted(synced.length, 'hold')}: ${counted(added, 'event')} taken up`);
    });
