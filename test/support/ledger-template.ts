/**
 * Ledgers for tests, as `migrate` makes them, but copied from one that was migrated when the run began:
 * that takes a fifth of the time, and a run makes about eighty. `migrate.test.ts` compares the two.
 */
import { type ClickHouse, migrate, openClickHouse } from '../../clickhouse/index.ts';

const TEMPLATE = 'ledger_template';

/** Migrates the template, from which `makeLedger` copies. */
export async function makeTemplate(clickhouseUrl: string): Promise<void> {
  const clickhouse = openClickHouse({ url: clickhouseUrl, database: TEMPLATE });
  await migrate(clickhouse);
  await clickhouse.command(`BACKUP DATABASE ${TEMPLATE} TO File('${TEMPLATE}')`);
  await clickhouse.close();
}

/**
 * Makes the database of this connection a ledger: a copy, or migrated where the engine has no template.
 *
 * @returns whether it is a copy
 */
export async function makeLedger(clickhouse: ClickHouse): Promise<boolean> {
  const templates = await clickhouse.query(
    'SELECT 1 FROM system.databases WHERE name = {template:String}',
    { params: { template: TEMPLATE }, database: 'default' },
  );
  if (templates.length === 0) {
    await migrate(clickhouse);
    return false;
  }
  await clickhouse.command(
    `RESTORE DATABASE ${TEMPLATE} AS ${clickhouse.database} FROM File('${TEMPLATE}')`,
    { database: 'default' },
  );
  return true;
}

/** Not waiting for what still reads or writes it: a test that ends has nothing to wait for. */
export async function dropLedger(clickhouse: ClickHouse): Promise<void> {
  await clickhouse.command('DROP DATABASE {database:Identifier}', {
    params: { database: clickhouse.database },
    database: 'default',
  });
}
