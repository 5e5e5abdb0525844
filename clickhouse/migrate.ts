import { LedgerlineError } from '../schemas/errors.ts';
import type { ClickHouse } from './clickhouse.ts';
import { clustered, onClusterClause } from './cluster.ts';
import { knownMigrations, parseMigration, pendingMigrations } from './migrations.ts';
import type { AppliedMigration, Migration } from './migrations.ts';
import type { RetentionClasses } from './retention/classes.ts';
import { applyRetention, plannedRetention, settleRetention } from './retention/retention.ts';

const STATEMENT_TIMEOUT_MS = 120_000;

export interface MigrateOptions {
  /** Made when missing. Default: the database of the connection. */
  readonly database?: string;
  /** Applied after the migrations; classes not named keep their days. */
  readonly retention?: RetentionClasses;
  /** Instead of the migrations that ship with this version. */
  readonly migrations?: readonly Migration[];
}

/** One migration, or what comes before and after them, and its statements as they would be sent. */
export interface MigrationStep {
  /** e.g. `0001_ledger.sql`; `database` and `retention` for what no file holds. */
  readonly name: string;
  readonly statements: readonly string[];
}

/**
 * Brings the database to this version's schema; on a cluster that of every node. Running it again, or
 * from several processes at once, changes nothing more: statements are idempotent, and a migration is
 * recorded under a deduplication token of its own.
 *
 * @returns the names of the migrations that this call ran, in order.
 * @throws LedgerlineError `MIGRATION_EDITED`, `DATABASE_NEWER`, `DATABASE_NAME_INVALID`, `TABLE_UNFIT`
 * where the tables were made for one node and now a cluster is named, or the other way round.
 *
 * @example
 * const applied = await migrate(clickhouse); // ['0001_ledger.sql']
 */
export async function migrate(
  clickhouse: ClickHouse,
  options: MigrateOptions = {},
): Promise<string[]> {
  const { database, known, before } = await prepare(clickhouse, options);
  const call = { database, timeoutMs: STATEMENT_TIMEOUT_MS };
  await assertShape(clickhouse, database);
  for (const statement of before.slice(0, 1)) {
    await clickhouse.command(statement, { ...call, database: 'default' });
  }
  for (const statement of before.slice(1)) await clickhouse.command(statement, call);

  const pending = pendingMigrations(known, await appliedMigrations(clickhouse, database));
  for (const migration of pending) {
    for (const statement of migration.statements) await clickhouse.command(statement, call);
    await record(clickhouse, migration, database);
  }
  if (options.retention) await applyRetention(clickhouse, options.retention, database);
  else await settleRetention(clickhouse, database);
  return pending.map((migration) => migration.name);
}

/**
 * What `migrate` would run, and nothing of it done.
 *
 * @throws LedgerlineError as `migrate`
 * @example
 * for (const step of await plannedMigrations(clickhouse)) console.log(step.statements.join(';\n'));
 */
export async function plannedMigrations(
  clickhouse: ClickHouse,
  options: MigrateOptions = {},
): Promise<MigrationStep[]> {
  const { database, known, before } = await prepare(clickhouse, options);
  const tables = await assertShape(clickhouse, database);
  const isNew = !tables.has('schema_migrations');
  const applied = isNew ? [] : await appliedMigrations(clickhouse, database);
  const steps: MigrationStep[] = [
    ...(isNew ? [{ name: 'database', statements: before }] : []),
    ...pendingMigrations(known, applied),
  ];
  const retention = await plannedRetention(
    clickhouse,
    options.retention ?? {},
    database,
    tables.has('audit_events'),
  );
  if (retention.length > 0) steps.push({ name: 'retention', statements: retention });
  return steps.map(({ name, statements }) => ({ name, statements }));
}

/** The migrations in the form of this place, and the statements that come before the first of them. */
async function prepare(
  clickhouse: ClickHouse,
  options: MigrateOptions,
): Promise<{ database: string; known: readonly Migration[]; before: readonly string[] }> {
  const { cluster } = clickhouse;
  const database = options.database ?? clickhouse.database;
  assertDatabaseName(database);
  const migrations = [SCHEMA_MIGRATIONS, ...(options.migrations ?? (await knownMigrations()))];
  const [first, ...known] =
    cluster === undefined ? migrations : clustered(migrations, { cluster, database });
  const create = `CREATE DATABASE IF NOT EXISTS ${database}${onClusterClause(cluster)}`;
  return { database, known, before: [create, ...(first?.statements ?? [])] };
}

/** MergeTree has no unique keys; the deduplication window records a migration once. */
const SCHEMA_MIGRATIONS = parseMigration(
  '0001_schema_migrations.sql',
  `CREATE TABLE IF NOT EXISTS schema_migrations
(
    version    UInt32,
    name       String,
    checksum   String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree ORDER BY version
SETTINGS non_replicated_deduplication_window = 10000`,
);

/** Tables of one node are never turned into a cluster's by themselves: their rows would stay behind. */
async function assertShape(
  clickhouse: ClickHouse,
  database: string,
): Promise<ReadonlyMap<string, string>> {
  const rows = await clickhouse.query<{ name: string; engine: string }>(
    'SELECT name, engine FROM system.tables WHERE database = {database:String}',
    { params: { database }, database: 'default' },
  );
  const tables = new Map(rows.map(({ name, engine }) => [name, engine]));
  const engine = tables.get('audit_events');
  if (engine === undefined) return tables;
  if (clickhouse.cluster === undefined && engine === 'Distributed') {
    throw new LedgerlineError('TABLE_UNFIT', `${database} was made for a cluster`, {
      hint: 'name the cluster in LEDGERLINE_CLICKHOUSE_CLUSTER',
    });
  }
  if (clickhouse.cluster !== undefined && engine !== 'Distributed') {
    throw new LedgerlineError(
      'TABLE_UNFIT',
      `${database} was made for one node, not for a cluster`,
      {
        hint: 'migrate another database for the cluster and copy the rows: docs/operations.md, "A cluster"',
      },
    );
  }
  return tables;
}

function appliedMigrations(clickhouse: ClickHouse, database: string): Promise<AppliedMigration[]> {
  return clickhouse.query<AppliedMigration>(
    'SELECT version, name, checksum FROM schema_migrations ORDER BY version',
    { database, timeoutMs: STATEMENT_TIMEOUT_MS },
  );
}

async function record(
  clickhouse: ClickHouse,
  { version, name, checksum }: Migration,
  database: string,
): Promise<void> {
  await clickhouse.command(
    `INSERT INTO schema_migrations (version, name, checksum)
     VALUES ({version:UInt32}, {name:String}, {checksum:String})`,
    {
      database,
      params: { version, name, checksum },
      settings: { async_insert: 0, insert_deduplication_token: `migration/${version}/${checksum}` },
    },
  );
}

function assertDatabaseName(name: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) return;
  throw new LedgerlineError(
    'DATABASE_NAME_INVALID',
    'a database name is a letter or underscore, then at most 62 letters, digits or underscores',
    { hint: 'check LEDGERLINE_CLICKHOUSE_DATABASE' },
  );
}
