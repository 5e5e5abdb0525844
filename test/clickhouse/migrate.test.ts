import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import {
  type ClickHouse,
  migrate,
  openClickHouse,
  plannedMigrations,
} from '../../clickhouse/index.ts';
import { knownMigrations, parseMigration } from '../../clickhouse/migrations.ts';
import { COLUMNS } from '../../schemas/index.ts';
import { dropLedger } from '../support/ledger-template.ts';
import { databaseName, ledgerForTest } from './support.ts';

const run = promisify(execFile);

test('a missing database is made, and a second run finds nothing left to do', async () => {
  const clickhouse = openClickHouse({ url: inject('clickhouseUrl'), database: databaseName() });
  const known = (await knownMigrations()).map(({ name }) => name);
  expect(await migrate(clickhouse)).toEqual(known);
  expect(await migrate(clickhouse)).toEqual([]);
  const recorded = await clickhouse.query<{ name: string }>(
    'SELECT name FROM schema_migrations ORDER BY version',
  );
  expect(recorded.map(({ name }) => name)).toEqual(known);

  // The other tests' ledgers are copies: they have to be what was made here.
  const copy = await ledgerForTest();
  expect(await tablesOf(copy.clickhouse)).toEqual(await tablesOf(clickhouse));
  await dropLedger(clickhouse);
  await clickhouse.close();
});

/** The statements that make them, without the database's name. */
async function tablesOf(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.query<{ made: string }>(
    'SELECT create_table_query AS made FROM system.tables WHERE database = currentDatabase() ORDER BY name',
  );
  return rows.map(({ made }) => made.replaceAll(`${clickhouse.database}.`, ''));
}

test('two processes that migrate at once leave one schema and one record of each migration', async () => {
  const url = inject('clickhouseUrl');
  const database = databaseName();
  const program = `
    import { migrate, openClickHouse } from ${JSON.stringify(new URL('../../dist/clickhouse/index.js', import.meta.url).href)};
    const clickhouse = openClickHouse({ url: ${JSON.stringify(url)}, database: ${JSON.stringify(database)} });
    await migrate(clickhouse);
    await clickhouse.close();`;
  const migrateElsewhere = () =>
    run(process.execPath, ['--input-type=module', '--eval', program], { timeout: 25_000 });
  await Promise.all([migrateElsewhere(), migrateElsewhere(), migrateElsewhere()]);

  const clickhouse = openClickHouse({ url, database });
  const recorded = await clickhouse.query<{ version: number; n: string }>(
    'SELECT version, count() AS n FROM schema_migrations GROUP BY version',
  );
  expect(recorded.map(({ n }) => n)).toEqual((await knownMigrations()).map(() => '1'));
  const tables = await clickhouse.query<{ name: string }>('SHOW TABLES');
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'audit_events',
      'audit_kept',
      'audit_quarantine',
      'audit_quarantine_resolutions',
      'schema_migrations',
    ]),
  );
  await dropLedger(clickhouse);
  await clickhouse.close();
});

test('a dry run says what would run, in order, and makes nothing', async () => {
  const clickhouse = openClickHouse({ url: inject('clickhouseUrl'), database: databaseName() });
  const { database } = clickhouse;
  const planned = await plannedMigrations(clickhouse, { retention: { standard: 30 } });
  expect(planned.map(({ name }) => name)).toEqual([
    'database',
    ...(await knownMigrations()).map(({ name }) => name),
    'retention',
  ]);
  expect(planned[0]?.statements[0]).toBe(`CREATE DATABASE IF NOT EXISTS ${database}`);
  expect(planned.at(-1)?.statements[0]).toContain(
    "['standard', 'protected', 'archive'], [30, 400, 3650]",
  );
  const made = await clickhouse.query(
    'SELECT 1 FROM system.databases WHERE name = {database:String}',
    { params: { database }, database: 'default' },
  );
  expect(made).toEqual([]);
  await clickhouse.close();
});

test('a dry run over a migrated database has nothing left to do', async () => {
  const ledger = await ledgerForTest();
  expect(await plannedMigrations(ledger.clickhouse)).toEqual([]);
});

test('tables of one node are not taken for those of a cluster', async () => {
  const { clickhouse: one } = await ledgerForTest();
  const url = inject('clickhouseUrl');
  const clickhouse = openClickHouse({ url, database: one.database, cluster: 'audit' });
  await expect(migrate(clickhouse)).rejects.toMatchObject({
    code: 'TABLE_UNFIT',
    hint: expect.stringContaining('copy the rows') as string,
  });
  await clickhouse.close();
});

test('an edited migration is refused by name', async () => {
  const ledger = await ledgerForTest();
  const known = await knownMigrations();
  const edited = known.map((migration) => ({ ...migration, checksum: 'edited' }));
  await expect(migrate(ledger.clickhouse, { migrations: edited })).rejects.toMatchObject({
    code: 'MIGRATION_EDITED',
    message: expect.stringContaining('0001_ledger.sql') as string,
  });
});

test('a database that a newer version has migrated is left alone', async () => {
  const ledger = await ledgerForTest();
  await expect(migrate(ledger.clickhouse, { migrations: [] })).rejects.toMatchObject({
    code: 'DATABASE_NEWER',
    hint: expect.stringContaining('newer version') as string,
  });
});

test('further migrations run after those already applied, in order', async () => {
  const ledger = await ledgerForTest();
  const added = parseMigration(
    '9999_note.sql',
    '-- a note; with a semicolon in it\nCREATE TABLE IF NOT EXISTS note (n UInt8) ENGINE = MergeTree ORDER BY n;\nINSERT INTO note VALUES (1);\n',
  );
  const migrations = [...(await knownMigrations()), added];
  expect(await migrate(ledger.clickhouse, { migrations })).toEqual(['9999_note.sql']);
  expect(await ledger.clickhouse.query('SELECT n FROM note')).toEqual([{ n: 1 }]);
});

test('a name that could end a statement is no database name', async () => {
  const clickhouse = openClickHouse({
    url: inject('clickhouseUrl'),
    database: 'x; DROP DATABASE y',
  });
  await expect(migrate(clickhouse)).rejects.toMatchObject({ code: 'DATABASE_NAME_INVALID' });
  await clickhouse.close();
});

test('the migrated table has the columns of schemas/columns.ts: name, type, default and order', async () => {
  const ledger = await ledgerForTest();
  const actual = await ledger.clickhouse.query(
    `SELECT name, type, if(default_kind = 'DEFAULT', default_expression, '') AS defaults
     FROM system.columns WHERE database = currentDatabase() AND table = 'audit_events' ORDER BY position`,
  );
  const declared = COLUMNS.map((column) => ({
    name: column.name,
    type: column.type,
    defaults: 'default' in column ? column.default : '',
  }));
  expect(actual).toEqual(declared);
});
