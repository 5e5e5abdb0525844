import { LedgerlineError } from '../schemas/index.ts';
import { grantsSql, type OutboxRoles } from './grants.ts';
import { outboxMigrations, recordSql, recordTableSql, type Migration } from './migrations.ts';
import type { Session } from './postgres.ts';
import { quotedSchema } from './schema-name.ts';

/** Of all that migrate an outbox in this database: 'outb'. */
const MIGRATION_LOCK = 0x6f757462;

/** Everything in one script, for those who have migrations of their own (Prisma, Flyway, Knex, …). */
export async function outboxSql(schema: string, roles: OutboxRoles = {}): Promise<string> {
  const migrations = await outboxMigrations(schema);
  return [
    recordTableSql(schema).trimStart(),
    ...migrations.flatMap((migration) => [migration.sql, recordSql(schema, migration)]),
    grantsSql(schema, roles),
  ].join('\n');
}

/**
 * Brings the outbox to this version. Each run is one transaction; running it again, or twice at once,
 * changes nothing more. Needs the right to create tables in the schema.
 *
 * @returns the names of the migrations that this call applied
 * @throws LedgerlineError MIGRATION_EDITED, DATABASE_NEWER, POSTGRES_REFUSED, POSTGRES_UNREACHABLE
 */
export async function migrateOutbox(
  session: Session,
  schema: string,
  roles: OutboxRoles = {},
): Promise<string[]> {
  const known = await outboxMigrations(schema);
  const grants = grantsSql(schema, roles);
  await session.script(`BEGIN; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});`);
  try {
    await session.script(recordTableSql(schema));
    const pending = pendingOf(known, await appliedMigrations(session, schema));
    for (const migration of pending) {
      await session.script(migration.sql);
      await session.script(recordSql(schema, migration));
    }
    if (grants !== '') await session.script(grants);
    await session.script('COMMIT');
    return pending.map(({ name }) => name);
  } catch (error) {
    await session.script('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/**
 * That the outbox is there, and no other version's.
 *
 * @throws LedgerlineError TABLE_UNFIT, DATABASE_NEWER, MIGRATION_EDITED
 */
export async function checkOutbox(session: Session, schema: string): Promise<void> {
  const known = await outboxMigrations(schema);
  const pending = pendingOf(known, await appliedMigrations(session, schema));
  if (pending.length === 0) return;
  throw new LedgerlineError(
    'TABLE_UNFIT',
    `The outbox in schema ${schema} at ${session.place} lacks ${pending.map(({ name }) => name).join(', ')}.`,
    { hint: 'Run "ledgerline outbox migrate".' },
  );
}

type Applied = Pick<Migration, 'version' | 'name' | 'checksum'>;

const appliedMigrations = (session: Session, schema: string): Promise<Applied[]> =>
  session.query<Applied>(
    `SELECT version, name, checksum FROM ${quotedSchema(schema)}.ledgerline_outbox_migrations`,
  );

function pendingOf(known: readonly Migration[], applied: readonly Applied[]): Migration[] {
  for (const { version, name, checksum } of applied) {
    const file = known.find((migration) => migration.version === version);
    if (file === undefined) {
      throw new LedgerlineError(
        'DATABASE_NEWER',
        `The outbox has migration ${name}, which this version of Ledgerline does not know.`,
        { hint: 'Run the newer version of Ledgerline that migrated it.' },
      );
    }
    if (file.checksum !== checksum) {
      throw new LedgerlineError(
        'MIGRATION_EDITED',
        `Migration ${name} of the outbox was edited after it had been applied.`,
        { hint: 'Restore the file, and put the change into a new migration.' },
      );
    }
  }
  return known.filter(({ version }) => !applied.some((done) => done.version === version));
}
