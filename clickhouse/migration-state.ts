import { LedgerlineError } from '../schemas/errors.ts';
import type { ClickHouse } from './clickhouse.ts';
import { ClickHouseError } from './errors.ts';
import { type AppliedMigration, knownMigrations, pendingMigrations } from './migrations.ts';

export interface MigrationState {
  /** Names of the migrations still to be applied, in order. */
  readonly pending: readonly string[];
  /** A newer version of Ledgerline has migrated the database: its tables hold all that ours do. */
  readonly newer: boolean;
}

const UNKNOWN_TABLE = 60;
const UNKNOWN_DATABASE = 81;

/**
 * Compares what was applied with what this version of the code knows. Only reads.
 *
 * @throws LedgerlineError MIGRATION_EDITED; ClickHouseUnreachable, ClickHouseError
 * @example
 * const { pending } = await migrationState(clickhouse); // []
 */
export async function migrationState(
  clickhouse: ClickHouse,
  timeoutMs = 5_000,
): Promise<MigrationState> {
  const known = await knownMigrations();
  const applied = await clickhouse
    .query<AppliedMigration>('SELECT version, name, checksum FROM schema_migrations', { timeoutMs })
    .catch((error: unknown) => {
      if (error instanceof ClickHouseError && isAbsent(error)) return [];
      throw error;
    });
  try {
    return { pending: pendingMigrations(known, applied).map(({ name }) => name), newer: false };
  } catch (error) {
    // Workers of the old version go on while those of the new are rolled out.
    if (error instanceof LedgerlineError && error.code === 'DATABASE_NEWER') {
      return { pending: [], newer: true };
    }
    throw error;
  }
}

const isAbsent = ({ engineCode }: ClickHouseError): boolean =>
  engineCode === UNKNOWN_TABLE || engineCode === UNKNOWN_DATABASE;
