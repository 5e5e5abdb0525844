import { type ClickHouse, openClickHouse } from '../clickhouse/index.ts';
import type { Environment } from './environment.ts';

/** Does something with the ledger's database and closes the connection, however it ends. */
export async function withClickHouse<T>(
  { worker }: Environment,
  use: (clickhouse: ClickHouse) => Promise<T>,
): Promise<T> {
  const clickhouse = openClickHouse({ ...worker.clickhouse, application: 'ledgerline-cli' });
  try {
    return await use(clickhouse);
  } finally {
    await clickhouse.close();
  }
}
