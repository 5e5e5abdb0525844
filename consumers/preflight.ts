/** What must be true before a worker may touch anything. */
import { storedIn } from '../clickhouse/cluster.ts';
import type { ClickHouse } from '../clickhouse/index.ts';
import { INSERT_COLUMNS } from '../schemas/columns.ts';
import type { TopicFacts } from './topic.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from './ledger-sink.ts';
import { QUARANTINE_COLUMNS } from './quarantine.ts';
import { WorkerError } from './worker-error.ts';

/** Below it a slow worker could repeat an insert whose token has been forgotten. */
const MIN_DEDUPLICATION_WINDOW = 1_000;

const MIGRATE = 'Run `ledgerline migrate` against this database.';

/** @throws WorkerError TABLE_UNFIT; ClickHouseUnreachable within the deadline */
export async function checkLedger(clickhouse: ClickHouse, deadlineMs: number): Promise<void> {
  const tables = await clickhouse.query<{ name: string; ddl: string; columns: string[] }>(
    `SELECT name, any(create_table_query) AS ddl, groupArray(column) AS columns
     FROM (SELECT name, create_table_query FROM system.tables WHERE database = {database:String} AND name IN {tables:Array(String)}) AS t
     INNER JOIN (SELECT table, name AS column FROM system.columns WHERE database = {database:String}) AS c ON c.table = t.name
     GROUP BY name`,
    {
      params: {
        database: clickhouse.database,
        tables: [LEDGER_TABLE, QUARANTINE_TABLE].flatMap((name) => [
          name,
          storedIn(name, clickhouse.cluster),
        ]),
      },
      database: 'default',
      timeoutMs: deadlineMs,
    },
  );
  checkTable(clickhouse, LEDGER_TABLE, INSERT_COLUMNS, tables);
  checkTable(clickhouse, QUARANTINE_TABLE, QUARANTINE_COLUMNS, tables);
}

function checkTable(
  { database, cluster }: ClickHouse,
  name: string,
  wanted: readonly string[],
  tables: readonly { name: string; ddl: string; columns: string[] }[],
): void {
  const table = tables.find((one) => one.name === name);
  if (!table) {
    throw new WorkerError('TABLE_UNFIT', `The table ${database}.${name} is missing.`, {
      hint: MIGRATE,
    });
  }
  const absent = wanted.filter((column) => !table.columns.includes(column));
  if (absent.length > 0) {
    throw new WorkerError(
      'TABLE_UNFIT',
      `The table ${database}.${name} lacks ${absent.join(', ')}.`,
      { hint: MIGRATE },
    );
  }
  // On a cluster the table that workers insert into passes rows on to another, which keeps the tokens.
  const keeper = tables.find((one) => one.name === storedIn(name, cluster));
  const window = /deduplication_window\s*=\s*(\d+)/.exec(keeper?.ddl ?? '')?.[1];
  if (Number(window ?? 0) < MIN_DEDUPLICATION_WINDOW) {
    throw new WorkerError(
      'TABLE_UNFIT',
      `The table ${database}.${storedIn(name, cluster)} remembers ${window ?? 'no'} inserts, too few to recognise a repeated one.`,
      {
        hint: `Set its ${cluster === undefined ? 'non_replicated' : 'replicated'}_deduplication_window to ${MIN_DEDUPLICATION_WINDOW} at least.`,
      },
    );
  }
}

/** @throws WorkerError KAFKA_TOPIC_UNFIT */
export function checkTopic(facts: TopicFacts, topic: string): void {
  if (facts.compacted) {
    throw new WorkerError(
      'KAFKA_TOPIC_UNFIT',
      `The topic ${topic} is compacted: Kafka would drop all but the newest event of each target.`,
      { hint: 'Set its cleanup.policy to delete.' },
    );
  }
}
