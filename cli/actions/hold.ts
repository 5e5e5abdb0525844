import { listHolds } from '../../clickhouse/holds/holds.ts';
import { releaseHold, syncHolds } from '../../clickhouse/holds/place.ts';
import { count as countEvents } from '../../clickhouse/search/count.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { UsageError } from '../failure.ts';
import { placeOnRecord } from '../holds/recording.ts';
import { holdsTable, placedLines } from '../holds/report.ts';
import { sayWaiting } from '../holds/waiting.ts';
import { operatorName } from '../operator-name.ts';
import { OperatorRecord } from '../operator-record.ts';
import { confirmed } from '../confirmed.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { safeJson } from '../search/json.ts';
import { count, counted, goOnWithoutReader, print, say } from '../terminal.ts';

export interface PlaceOptions extends ReadingOptions {
  readonly name: string;
  readonly owner: string;
  readonly reason: string;
  readonly actor?: string;
  readonly dryRun?: true;
  readonly yes?: true;
}

export interface ReleaseOptions {
  readonly reason: string;
  readonly actor?: string;
  readonly yes?: true;
  readonly json?: true;
}

export async function runPlace(query: string, options: PlaceOptions): Promise<void> {
  goOnWithoutReader();
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
      const everything = async (): Promise<boolean> =>
        stored === (await countEvents(clickhouse, '', ask)).stored;
      const unusual = options.yes
        ? undefined
        : stored === 0
          ? 'No event matches. Hold what may come later all the same?'
          : (await everything())
            ? `This holds everything there is, ${counted(stored, 'event')}. Really?`
            : undefined;
      if (unusual !== undefined && !(await confirmed(unusual))) {
        say('nothing is held');
        process.exitCode = EXIT.faults;
        return;
      }
      await using record = await OperatorRecord.open(readEnvironment(process.env));
      const { name, owner, reason, actor = operatorName() } = options;
      const wanted = { query, name, owner, reason, actor };
      const hold = await placeOnRecord(record, clickhouse, wanted, ask);
      if (options.json) print(safeJson({ ...hold, placed: true }));
      else for (const line of placedLines(hold)) print(line);
    },
    // What is placed has an event of its own.
    { recorded: options.dryRun === true },
  );
}

export async function runList({
  all,
  json,
}: {
  readonly all?: true;
  readonly json?: true;
}): Promise<void> {
  const holds = await withClickHouse(readEnvironment(process.env), async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    return listHolds(clickhouse);
  });
  const shown = holds.filter(({ releasedAt }) => all || releasedAt === undefined);
  if (json) print(safeJson(shown));
  else if (shown.length === 0) say(all ? 'no holds' : 'no holds; released ones: --all');
  else print(holdsTable(shown));
}

export async function runRelease(
  id: string,
  { reason, actor = operatorName(), yes, json }: ReleaseOptions,
): Promise<void> {
  goOnWithoutReader();
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
}

export async function runSync({ json }: { readonly json?: true }): Promise<void> {
  goOnWithoutReader();
  const synced = await withClickHouse(readEnvironment(process.env), async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    return syncHolds(clickhouse, { onWait: sayWaiting });
  });
  const added = synced.reduce((sum, one) => sum + one.added, 0);
  if (json)
    print(safeJson(synced.map(({ hold, added: events }) => ({ id: hold.id, added: events }))));
  else print(`${counted(synced.length, 'hold')}: ${counted(added, 'event')} taken up`);
}
