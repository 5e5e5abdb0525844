import { QueryError } from '../../clickhouse/search/query-error.ts';
import { EVERY_TENANT } from '../../clickhouse/search/scope.ts';
import type { AskOptions, ClickHouse } from '../../clickhouse/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { onRecord } from '../read-record.ts';
import { say } from '../terminal.ts';
import { caretLines } from './caret.ts';
import type { ReadingOptions } from './options.ts';

/**
 * Asks the ledger something about a query, with Ctrl-C ending statement and wait. A fault in the query
 * is shown where it is. Looking is recorded, unless the command records itself what it does.
 */
export async function reading(
  query: string,
  options: ReadingOptions,
  use: (clickhouse: ClickHouse, ask: AskOptions) => Promise<void>,
  { recorded = true }: { readonly recorded?: boolean } = {},
): Promise<void> {
  const environment = readEnvironment(process.env);
  using interruption = interruptible();
  const ask: AskOptions = {
    tenant: options.tenant ?? EVERY_TENANT,
    timeZone: options.timeZone,
    timeoutMs: options.timeout * 1000,
    signal: interruption.signal,
  };
  try {
    await withClickHouse(environment, async (clickhouse) => {
      await clickhouse.ping(CONTACT_DEADLINE_MS);
      const look = { query, language: 'search', tenants: options.tenant } as const;
      if (recorded) await onRecord(environment, look, () => use(clickhouse, ask));
      else await use(clickhouse, ask);
    });
  } catch (error) {
    if (error instanceof QueryError) for (const line of caretLines(query, error)) say(line);
    if (!interruption.signal.aborted) throw error;
  }
  if (interruption.signal.aborted) process.exitCode = EXIT.interrupted;
}
