import { LedgerlineError } from '../schemas/index.ts';
import type { ClickHouse } from './clickhouse.ts';
import { knownMigrations, pendingMigrations } from './migrations.ts';
import type { AppliedMigration, Migration } from './migrations.ts';
import { applyRetention } from './retention.ts';
import type { RetentionClasses } from './retention.ts';

const STATEMENT_TIMEOUT_MS = 120_000;

export interface MigrateOptions {
  /** Made when missing. Default: the database of the connection. */
  readonly database?: string;
  /** Applied after the migrations; classes not named keep their days. */
  readonly retention?: RetentionClasses;
  /** Instead of the migrations that ship with this version. */
  readonly migrations?: readonly Migration[];
}

/**
 * Brings the database to this version's schema. Running it again, or from several processes at once,
 * changes nothing more: statements are idempotent, and a migration is recorded under a
 * deduplication token of its own.
 *
 * @returns the names of the migrations that this call ran, in order.
 * @throws LedgerlineError `MIGRATION_EDITED`, `DATABASE_NEWER`, `DATABASE_NAME_INVALID`.
 *
 * @example
 * const applied = await migrate(clickhouse); // ['0001_ledger.sql']
 */
export async function migrate(
  clickhouse: ClickHouse,
  options: MigrateOptions = {},
): Promise<string[]> {
  const database = options.database ?? clickhouse.database;
  assertDatabaseName(database);
  const known = options.migrations ?? (await knownMigrations());
  const call = { database, timeoutMs: STATEMENT_TIMEOUT_MS };

  await clickhouse.command('CREATE DATABASE IF NOT EXISTS {database:Identifier}', {
    ...call,
    params: { database },
    database: 'default',
  });
  await clickhouse.command(CREATE_SCHEMA_MIGRATIONS, call);

  const applied = await clickhouse.query<AppliedMigration>(
    'SELECT version, name, checksum FROM schema_migrations ORDER BY version',
    call,
  );
  const pending = pendingMigrations(known, applied);
  for (const migration of pending) {
    for (const statement of migration.statements) await clickhouse.command(statement, call);
    await record(clickhouse, migration, database);
  }
  if (options.retention) await applyRetention(clickhouse, options.retention, database);
  return pending.map((migration) => migration.name);
}

/** MergeTree has no unique keys; the deduplication window records a migration once. */
const CREATE_SCHEMA_MIGRATIONS = `
CREATE TABLE IF NOT EXISTS schema_migrations
(
    version    UInt32,
    name       String,
    checksum   String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree ORDER BY version
SETTINGS non_replicated_deduplication_window = 10000`;

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
