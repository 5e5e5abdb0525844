import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { LedgerlineError } from '../schemas/errors.ts';

export interface Migration {
  readonly version: number;
  /** The file's name, e.g. `0001_ledger.sql`. */
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly checksum: string;
  readonly statements: readonly string[];
}

export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/** Beside this file in the sources; built code runs from dist/clickhouse and reads the same files. */
function migrationsFolder(): URL {
  const beside = new URL('./migrations/', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../clickhouse/migrations/', import.meta.url);
}

/** The migrations that this version of the code knows, in order. */
export async function knownMigrations(folder: URL = migrationsFolder()): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => parseMigration(name, await readFile(new URL(name, folder), 'utf8'))),
  );
}

/**
 * A migration file is `NNNN_name.sql`; its statements end with a semicolon at the end of a line, and
 * each can be run twice (`IF NOT EXISTS`), because two processes may migrate at once.
 */
export function parseMigration(name: string, sql: string): Migration {
  const version = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]);
  if (!(version > 0)) {
    throw new LedgerlineError('MIGRATION_INVALID', `migration ${name} is misnamed`, {
      hint: 'name it NNNN_name.sql',
    });
  }
  const statements = sql
    .split(/;[ \t]*$/m)
    .map((statement) => statement.replace(/^\s*--.*$/gm, '').trim())
    .filter((statement) => statement !== '');
  return { version, name, checksum: createHash('sha256').update(sql).digest('hex'), statements };
}

/**
 * Which migrations are still to run. Pure.
 *
 * @throws LedgerlineError `MIGRATION_EDITED` where an applied file has changed since,
 * `DATABASE_NEWER` where the database has migrations that this version of the code does not know.
 */
export function pendingMigrations(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration[] {
  const byVersion = new Map(known.map((migration) => [migration.version, migration]));
  for (const done of applied) {
    const file = byVersion.get(done.version);
    if (!file) {
      throw new LedgerlineError(
        'DATABASE_NEWER',
        `the database has migration ${done.name}, which this version of Ledgerline does not know`,
        { hint: 'run the newer version of Ledgerline that migrated it' },
      );
    }
    if (file.checksum !== done.checksum) {
      throw new LedgerlineError(
        'MIGRATION_EDITED',
        `migration ${file.name} was edited after it had been applied`,
        { hint: 'restore the file, and put the change into a new migration' },
      );
    }
  }
  const versions = new Set(applied.map((migration) => migration.version));
  return known.filter((migration) => !versions.has(migration.version));
}
