import type { ClickHouse } from '../clickhouse.ts';
import { asked, type AskOptions, whereSql } from './ask.ts';
import { Parameters } from './compile.ts';
import type { Order } from './stretches.ts';
import { runnableSql } from './runnable-sql.ts';
import { sourceSql } from './source.ts';

/** A statement that finds a query's events in any ClickHouse client. */
export interface Statement {
  /** With `{name:Type}` for every value. */
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The same with the values written out, safe to show and to paste. */
  readonly runnable: string;
}

/**
 * The SQL of a query, for those who want to go on from there: it selects whole rows in order.
 *
 * @throws as `search`
 *
 * @example
 * const { runnable } = await statementOf(clickhouse, 'outcome:denied since:1d', { tenant: 'acme', limit: 100 });
 */
export async function statementOf(
  clickhouse: ClickHouse,
  query: string,
  options: AskOptions & { readonly limit: number; readonly order?: Order },
): Promise<Statement> {
  const question = await asked(clickhouse, query, options);
  const params = new Parameters();
  const direction = options.order === 'oldest' ? 'ASC' : 'DESC';
  const sql = `SELECT *
FROM ${sourceSql(question, params)}
WHERE ${whereSql(question, params)}
ORDER BY occurred_at ${direction}, event_id ${direction}
LIMIT ${params.bind(options.limit, 'UInt32')}`;
  return { sql, params: params.values, runnable: runnableSql(sql, params.values) };
}
