/** Asks ClickHouse what a doctor wants to know. Only reads. */
import {
  type ClickHouse,
  ClickHouseError,
  migrationState,
  readRetention,
  storedIn,
  type UnfinishedErasure,
  unfinishedErasures,
  WRITER_COLUMNS,
} from '../../clickhouse/index.ts';
import { LEDGER_TABLE, LedgerSink, QUARANTINE_TABLE } from '../ledger-sink.ts';
import { isGranted } from './grants.ts';

export interface TableFacts {
  readonly name: string;
  readonly ddl: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export interface ClickHouseFacts {
  readonly version: string;
  readonly pendingMigrations: readonly string[];
  readonly newer: boolean;
  /** Tables that rows are inserted into and read from, and, on a cluster, those that hold them. */
  readonly tables: readonly TableFacts[];
  readonly holding: { readonly ledger: string; readonly quarantine: string };
  /** Classes with their days; or why they cannot be read from the table's TTL. */
  readonly retention: Readonly<Record<string, number>> | { readonly problem: string };
  readonly skewMs: number;
  /** By right, as `INSERT ON audit_events`; `undefined` where it could not be asked. */
  readonly rights: ReadonlyMap<string, boolean | undefined>;
  readonly mostParts: number;
  /** Erasures that have begun and not ended; none where this user may not know. */
  readonly erasures: readonly UnfinishedErasure[];
}

/** @throws ClickHouseUnreachable, ClickHouseError (a wrong password), LedgerlineError MIGRATION_EDITED */
export async function probeClickHouse(
  clickhouse: ClickHouse,
  timeoutMs: number,
): Promise<ClickHouseFacts> {
  const system = { database: 'default', timeoutMs };
  const [answer] = await clickhouse.query<{ version: string }>(
    'SELECT version() AS version',
    system,
  );
  const holding = {
    ledger: storedIn(LEDGER_TABLE, clickhouse.cluster),
    quarantine: storedIn(QUARANTINE_TABLE, clickhouse.cluster),
  };
  const names = [LEDGER_TABLE, QUARANTINE_TABLE, holding.ledger, holding.quarantine];
  const params = { database: clickhouse.database, tables: names };
  const [tables, columns, [parts], migrations] = await Promise.all([
    clickhouse.query<{ name: string; ddl: string }>(
      'SELECT name, create_table_query AS ddl FROM system.tables WHERE database = {database:String} AND name IN {tables:Array(String)}',
      { ...system, params },
    ),
    clickhouse.query<{ table: string; name: string; type: string }>(
      'SELECT table, name, type FROM system.columns WHERE database = {database:String} AND table IN {tables:Array(String)}',
      { ...system, params },
    ),
    clickhouse.query<{ most: string }>(
      `SELECT max(active_parts) AS most FROM (SELECT count() AS active_parts FROM system.parts
       WHERE active AND database = {database:String} AND table IN {tables:Array(String)} GROUP BY table, partition_id)`,
      { ...system, params },
    ),
    migrationState(clickhouse, timeoutMs),
  ]);
  return {
    version: answer?.version ?? '',
    pendingMigrations: migrations.pending,
    newer: migrations.newer,
    tables: tables.map(({ name, ddl }) => ({
      name,
      ddl,
      columns: columns.filter(({ table }) => table === name),
    })),
    holding,
    retention: await readRetention(clickhouse).catch((error: unknown) => ({
      problem: error instanceof Error ? error.message : String(error),
    })),
    skewMs: await skewOf(clickhouse, timeoutMs),
    rights: await rightsOf(clickhouse, timeoutMs),
    mostParts: Number(parts?.most ?? 0),
    erasures: await unfinishedErasures(clickhouse).catch((error: unknown) => {
      // A worker's own user may not read the record of them, nor a database that is yet to be made.
      if (error instanceof ClickHouseError) return [];
      throw error;
    }),
  };
}

const skewOf = (clickhouse: ClickHouse, timeoutMs: number): Promise<number> =>
  new LedgerSink({
    ...clickhouse,
    // The database may not be there yet.
    query: (sql, options) => clickhouse.query(sql, { ...options, database: 'default', timeoutMs }),
  }).clockSkewMs(() => Date.now());

/** A worker's rights, and ALTER, which only `migrate` and the sweep need. */
const RIGHTS = ['SELECT', 'INSERT', 'ALTER'] as const;

async function rightsOf(
  clickhouse: ClickHouse,
  timeoutMs: number,
): Promise<Map<string, boolean | undefined>> {
  const grants = await grantsOf(clickhouse, timeoutMs);
  const { database } = clickhouse;
  return new Map(
    ([LEDGER_TABLE, QUARANTINE_TABLE] as const).flatMap((table) =>
      RIGHTS.map((right): [string, boolean | undefined] => [
        `${right} ON ${table}`,
        grants &&
          isGranted(grants, right, {
            database,
            table,
            ...(right === 'SELECT' && { columns: WRITER_COLUMNS[table] }),
          }),
      ]),
    ),
  );
}

/** As statements, those of roles among them; `undefined` where the server does not tell. */
async function grantsOf(clickhouse: ClickHouse, timeoutMs: number): Promise<string[] | undefined> {
  const options = { database: 'default', timeoutMs };
  const rows = await clickhouse
    .query<Record<string, string>>('SHOW GRANTS FINAL', options)
    .catch((error: unknown) => {
      // Older servers do not know FINAL, and may forbid the question.
      if (error instanceof ClickHouseError) return undefined;
      throw error;
    });
  return rows?.map((row) => Object.values(row)[0] ?? '');
}
