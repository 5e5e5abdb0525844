/** What each `ledgerline rebuild` does: recorded in the ledger, shown on the terminal. */
import { pino } from 'pino';
import {
  dropTable,
  rebuild,
  type RebuildOptions,
  rebuildTables,
  swap,
} from '../../consumers/index.ts';
import { LedgerlineError } from '../../schemas/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { type Environment, readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { UsageError } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { OperatorRecord } from '../operator-record.ts';
import { periodOf } from '../policy/period.ts';
import { safeJson } from '../search/json.ts';
import { readableLine } from '../stack/worker-output.ts';
import { answerColours, counted, goOnWithoutReader, print, say } from '../terminal.ts';
import { rebuildProgress } from '../rebuild/progress.ts';
import { listed, tablesTable } from '../rebuild/report.ts';

export interface IntoOptions {
  readonly into: string;
  readonly since?: string;
  readonly fromBeginning?: true;
  readonly json?: true;
}

export async function runInto({ into, since, fromBeginning, json }: IntoOptions): Promise<void> {
  if (since !== undefined && fromBeginning) {
    throw new UsageError(
      '--since and --from-beginning contradict each other.',
      'Give one of them.',
    );
  }
  const from =
    since === undefined ? undefined : new Date(periodOf(since, undefined, Date.now()).sinceMs);
  await withOptions(into, async (options, record) => {
    const rebuilt = await rebuild({
      ...options,
      since: from,
      onStart: ({ topic, starts }, resumed) =>
        record.add({
          type: 'ledger.rebuild.started',
          data: { table: into, topic, starts, resumed },
        }),
    });
    if (json) print(JSON.stringify(rebuilt));
    else if (rebuilt.caughtUp) {
      const { copiedPartitions, copiedRows } = rebuilt;
      print(
        answerColours.green(
          `${into} has caught up (${counted(copiedPartitions, 'partition')} and ${counted(copiedRows, 'row')} copied).`,
        ),
      );
      print(`Put it in the ledger's place with: ledgerline rebuild swap ${into}`);
    }
    if (!rebuilt.caughtUp) interrupted(`run it again to go on filling ${into}`);
  });
}

export interface SwapOptions {
  readonly idleTopic: readonly string[];
  readonly json?: true;
}

export async function runSwap(table: string, { idleTopic, json }: SwapOptions): Promise<void> {
  await withOptions(table, async (options, record, environment) => {
    const { topic } = environment.worker.kafka;
    try {
      const swapped = await swap({ ...options, idleTopics: idleTopic });
      const { fencedAt, rows, copied } = swapped;
      await record.add({
        type: 'ledger.rebuild.swapped',
        data: { table, topic, fencedAt, rows, copied },
      });
      if (json) {
        print(JSON.stringify(swapped));
        return;
      }
      print(answerColours.green(`audit_events is rebuilt: ${counted(rows, 'row')}.`));
      print(
        `The old one is kept as ${table}, until: ledgerline rebuild drop ${table} --yes ${table}`,
      );
    } catch (error) {
      if (options.signal.aborted) interrupted('run it again: it ends what was begun');
      else {
        if (error instanceof LedgerlineError && error.code === 'REBUILD_REFUSED') {
          const data = { table, topic, why: error.message };
          await record.add({ type: 'ledger.rebuild.refused', data });
        }
        throw error;
      }
    }
  });
}

export async function runList({ json }: { readonly json?: true }): Promise<void> {
  const environment = readEnvironment(process.env);
  const tables = await withClickHouse(environment, rebuildTables);
  const shown = tables.map(listed);
  if (json) print(safeJson(shown));
  else if (shown.length === 0) say('no rebuild has made or replaced a table');
  else print(tablesTable(shown));
}

export async function runDrop(
  table: string,
  { yes, json }: { readonly yes?: string; readonly json?: true },
): Promise<void> {
  if (yes !== table) {
    throw new UsageError(
      `All rows of ${table} would be gone for good.`,
      `To confirm, name it again: ledgerline rebuild drop ${table} --yes ${table}`,
    );
  }
  goOnWithoutReader();
  const environment = readEnvironment(process.env);
  await using record = await OperatorRecord.open(environment);
  const dropped = await withClickHouse(environment, (clickhouse) => dropTable(clickhouse, table));
  const { rows, record: was } = dropped;
  await record.add({ type: 'ledger.rebuild.dropped', data: { table, rows, was: was.kind } });
  if (json) print(JSON.stringify({ table, rows }));
  else print(`${table} is gone: ${counted(rows, 'row')}.`);
}

async function withOptions(
  table: string,
  run: (options: RebuildOptions, record: OperatorRecord, environment: Environment) => Promise<void>,
): Promise<void> {
  goOnWithoutReader();
  const environment = readEnvironment(process.env);
  await using record = await OperatorRecord.open(environment);
  const progress = rebuildProgress();
  using interruption = interruptible();
  try {
    await withClickHouse(environment, (clickhouse) =>
      run(
        {
          config: environment.worker,
          clickhouse,
          table,
          // The worker's own lines would spoil the bar; its troubles end the command.
          log: pino(
            { level: process.stderr.isTTY ? 'silent' : environment.worker.logLevel },
            { write: (line) => say(readableLine(line)) },
          ),
          signal: interruption.signal,
          onProgress: progress.heard,
        },
        record,
        environment,
      ),
    );
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    interrupted('run it again: it goes on where it was');
  } finally {
    progress.stop();
  }
}

function interrupted(what: string): void {
  say(`interrupted: ${what}`);
  process.exitCode = EXIT.interrupted;
}
