import { openClickHouse } from '../clickhouse/client.ts';
import { ClickHouseError } from '../clickhouse/errors.ts';
import type { ClickHouse } from '../clickhouse/index.ts';
import { LedgerlineError } from '../schemas/errors.ts';
import type { Environment } from './environment.ts';

/** Does something with the ledger's database and closes the connection, however it ends. */
export async function withClickHouse<T>(
  environment: Environment,
  use: (clickhouse: ClickHouse) => Promise<T>,
): Promise<T> {
  const clickhouse = openClickHouse({
    ...environment.worker.clickhouse,
    application: 'ledgerline-cli',
  });
  try {
    return await use(clickhouse);
  } catch (error) {
    throw withAddress(environment, error);
  } finally {
    await clickhouse.close();
  }
}

/** Errors about a ClickHouse whose texts do not name it. */
const SILENT = new Set(['CLICKHOUSE_REFUSED', 'TABLE_UNFIT']);

/** ClickHouse's own words do not say which ClickHouse has spoken. */
export function withAddress({ worker }: Environment, error: unknown): unknown {
  if (!(error instanceof LedgerlineError) || !SILENT.has(error.code)) return error;
  const { origin } = new URL(worker.clickhouse.url);
  if (error.message.includes(origin)) return error;
  const readOnly = error instanceof ClickHouseError && error.engineCode === READONLY;
  const hint = readOnly ? 'This command only reads: give one SELECT.' : error.hint;
  return new LedgerlineError(error.code, `ClickHouse at ${origin}: ${briefly(error.message)}`, {
    hint,
    retryable: error.retryable,
    cause: error,
  });
}

/** ClickHouse's exception for a statement that would change something. */
const READONLY = 164;

/** Without the format that the client puts behind a statement, and the list of all that SQL allows. */
const briefly = (message: string): string =>
  message
    .replace(/\s*\n\s*FORMAT \w+\.?/g, '')
    .replace(/\s*Expected one of: [\s\S]*?(?=\s*\([A-Z_]+\)|$)/, '');
