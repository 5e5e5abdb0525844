/** The tables of a rebuild: made, remembered, found, dropped. */
import type { ClickHouse } from '../../clickhouse/index.ts';
import { LEDGER_TABLE } from '../ledger-sink.ts';
import { WorkerError } from '../worker-error.ts';
import { commentOf, readComment, type RebuildRecord, type ReplacedRecord } from './record.ts';

export interface RebuildTable {
  readonly name: string;
  readonly rows: number;
  /** On disk. */
  readonly bytes: number;
  readonly record: RebuildRecord | ReplacedRecord;
}

const DDL_TIMEOUT_MS = 60_000;
const QUIET_DEADLINE_MS = 120_000;
const RESERVED = /^(audit_\w+|schema_migrations|verify_scratch_\w+)$/;

/** @throws WorkerError REBUILD_REFUSED */
export function assertTableName(name: string): void {
  if (/^[A-Za-z_]\w{0,49}$/.test(name) && !RESERVED.test(name)) return;
  throw new WorkerError(
    'REBUILD_REFUSED',
    'A rebuild’s table is named by a letter or underscore, then at most 49 letters, digits or underscores, and not as one of Ledgerline’s own.',
    { hint: 'For example: --into events_2026_11.' },
  );
}

/** @throws WorkerError REBUILD_REFUSED where the table is there and is no rebuild's */
export async function recordOf(
  clickhouse: ClickHouse,
  table: string,
): Promise<RebuildRecord | ReplacedRecord | undefined> {
  const [row] = await clickhouse.query<{ comment: string; rows: string | null }>(
    `SELECT comment, total_rows AS rows FROM system.tables
     WHERE database = {database:String} AND name = {table:String}`,
    { params: { database: clickhouse.database, table } },
  );
  if (!row) return undefined;
  const record = readComment(row.comment);
  // One that was killed right after it had made its table.
  if (!record && Number(row.rows) === 0) return undefined;
  if (record) return record;
  throw new WorkerError('REBUILD_REFUSED', `The table ${table} holds rows that no rebuild wrote.`, {
    hint: 'Name another table with --into.',
  });
}

/** What stands in a table's comment; `undefined` for anything else's, or no table. */
export async function recordIn(
  clickhouse: ClickHouse,
  table: string,
): Promise<RebuildRecord | ReplacedRecord | undefined> {
  const [row] = await clickhouse.query<{ comment: string }>(
    'SELECT comment FROM system.tables WHERE database = {database:String} AND name = {table:String}',
    { params: { database: clickhouse.database, table } },
  );
  return row && readComment(row.comment);
}

/** Whether two tables have the same columns, keys, indexes, projections, constraints, TTL and settings. */
export async function sameDefinition(
  clickhouse: ClickHouse,
  one: string,
  other: string,
): Promise<boolean> {
  const rows = await clickhouse.query<{ definition: string }>(
    `SELECT DISTINCT replaceRegexpOne(replaceRegexpOne(create_table_query, '^CREATE TABLE [^(]*', ''), ' COMMENT \\'ledgerline:.*$', '') AS definition
     FROM system.tables WHERE database = {database:String} AND name IN {names:Array(String)}`,
    { params: { database: clickhouse.database, names: [one, other] } },
  );
  return rows.length === 1;
}

/** Columns, indexes, projections, constraints, TTL and settings as the ledger's table has them now. */
export async function createLike(clickhouse: ClickHouse, table: string): Promise<void> {
  await clickhouse.command(`CREATE TABLE IF NOT EXISTS ${table} AS ${LEDGER_TABLE}`, {
    timeoutMs: DDL_TIMEOUT_MS,
  });
}

export async function remember(
  clickhouse: ClickHouse,
  table: string,
  record: RebuildRecord | ReplacedRecord | undefined,
): Promise<void> {
  const comment = record ? commentOf(record) : '';
  // A comment is a literal; it cannot be bound.
  const literal = `'${comment.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  await clickhouse.command(`ALTER TABLE ${table} MODIFY COMMENT ${literal}`, {
    timeoutMs: DDL_TIMEOUT_MS,
  });
}

/** Columns that hold something: the lease is only read. */
export async function storedColumns(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ name: string }>(
    `SELECT name FROM system.columns WHERE database = {database:String} AND table = '${LEDGER_TABLE}'
       AND default_kind NOT IN ('EPHEMERAL', 'ALIAS', 'MATERIALIZED') ORDER BY position`,
    { params: { database: clickhouse.database } },
  );
  return rows.map(({ name }) => `\`${name}\``);
}

/** Tables that rebuilds have made or replaced, in this database. */
export async function rebuildTables(clickhouse: ClickHouse): Promise<RebuildTable[]> {
  const rows = await clickhouse.query<{
    name: string;
    comment: string;
    rows: string;
    bytes: string;
  }>(
    `SELECT name, comment, ifNull(total_rows, 0) AS rows, ifNull(total_bytes, 0) AS bytes FROM system.tables
     WHERE database = {database:String} AND comment LIKE 'ledgerline:%' ORDER BY name`,
    { params: { database: clickhouse.database } },
  );
  return rows.flatMap(({ name, comment, rows: count, bytes }) => {
    const record = readComment(comment);
    return record ? [{ name, rows: Number(count), bytes: Number(bytes), record }] : [];
  });
}

/** Only what this made or replaced. @throws WorkerError REBUILD_REFUSED */
export async function dropTable(clickhouse: ClickHouse, table: string): Promise<RebuildTable> {
  assertTableName(table);
  const found = (await rebuildTables(clickhouse)).find(({ name }) => name === table);
  if (!found) {
    throw new WorkerError('REBUILD_REFUSED', `No rebuild has made or replaced a table ${table}.`, {
      hint: 'See `ledgerline rebuild list`.',
    });
  }
  if (found.record.kind === 'rebuild' && found.record.step === 'fenced') {
    throw new WorkerError('REBUILD_REFUSED', `The table ${table} is being swapped.`, {
      hint: `Run \`ledgerline rebuild swap ${table}\` again: it ends what was begun.`,
    });
  }
  await clickhouse.command(`DROP TABLE ${table} SYNC`, { timeoutMs: DDL_TIMEOUT_MS });
  await clickhouse.command(`DROP TABLE IF EXISTS ${stagingOf(table)} SYNC`, {
    timeoutMs: DDL_TIMEOUT_MS,
  });
  return found;
}

export const stagingOf = (table: string): string => `${table}__staging`;

/**
 * Waits until nothing that an earlier run sent is still at work on the table: a statement outlives the
 * process that sent it.
 */
export async function whenQuiet(clickhouse: ClickHouse, table: string): Promise<void> {
  const deadline = Date.now() + QUIET_DEADLINE_MS;
  for (;;) {
    const [busy] = await clickhouse.query<{ n: string }>(
      `SELECT count() AS n FROM system.processes
       WHERE match(query, {name:String}) AND NOT match(query, 'system\\\\.processes')`,
      { params: { name: `\\b${table}(__staging)?\\b` } },
    );
    if (Number(busy?.n ?? 0) === 0) return;
    if (Date.now() > deadline) {
      throw new WorkerError('REBUILD_REFUSED', `Statements on ${table} have not ended.`, {
        hint: 'Another rebuild of it runs, or a copy is slow: see system.processes, then try again.',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
