/** What ClickHouse says of the ledger's tables while a worker runs: their parts, and what they lack. */
import { storedIn } from '../../clickhouse/cluster.ts';
import { migrationState } from '../../clickhouse/migration-state.ts';
import type { ClickHouse } from '../../clickhouse/index.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from '../ledger-sink.ts';
import { Survey } from './survey.ts';

export interface TableParts {
  readonly table: string;
  readonly parts: number;
  /** Of the table partition that has the most. */
  readonly mostOfOnePartition: number;
}

export interface TablesSurvey {
  readonly parts: readonly TableParts[];
  /** Names of migrations that this version has and the database has not. */
  readonly pendingMigrations: readonly string[];
}

const EVERY_MS = 5_000;
const DEADLINE_MS = 4_000;

export function watchTables(clickhouse: ClickHouse): Survey<TablesSurvey> {
  const ask = async (): Promise<TablesSurvey> => {
    const [parts, { pending }] = await Promise.all([
      partsOf(clickhouse),
      migrationState(clickhouse, DEADLINE_MS),
    ]);
    return { parts, pendingMigrations: pending };
  };
  return new Survey({ ask, everyMs: EVERY_MS, deadlineMs: DEADLINE_MS });
}

async function partsOf(clickhouse: ClickHouse): Promise<TableParts[]> {
  const names = new Map(
    [LEDGER_TABLE, QUARANTINE_TABLE].map((name) => [storedIn(name, clickhouse.cluster), name]),
  );
  const rows = await clickhouse.query<{ name: string; parts: string; most: string }>(
    `SELECT table AS name, sum(active_parts) AS parts, max(active_parts) AS most FROM (
       SELECT table, partition_id, count() AS active_parts FROM system.parts
       WHERE active AND database = {database:String} AND table IN {tables:Array(String)}
       GROUP BY table, partition_id)
     GROUP BY table`,
    {
      params: { database: clickhouse.database, tables: [...names.keys()] },
      database: 'default',
      timeoutMs: DEADLINE_MS,
    },
  );
  return rows.map(({ name, parts, most }) => ({
    table: names.get(name) ?? name,
    parts: Number(parts),
    mostOfOnePartition: Number(most),
  }));
}
