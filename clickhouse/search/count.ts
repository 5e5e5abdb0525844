import type { ClickHouse } from '../clickhouse.ts';
import { asked, type AskOptions, callOptions, inTime, whereSql } from './ask.ts';
import { Parameters } from './compile.ts';
import { sourceSql } from './source.ts';

/** How many events there are, and how many they stand for. */
export interface Total {
  /** Rows in the ledger. */
  readonly stored: number;
  /** What happened, by the rows' weights: equal to `stored` where nothing was sampled. */
  readonly happened: number;
  /**
   * The standard error of `happened`; 0 where nothing was sampled. What happened lies within twice of it
   * in 19 of 20 cases.
   */
  readonly standardError: number;
}

/**
 * Sampling keeps or leaves all events of one correlation id, else of one trace, together, each group by a
 * chance of 1 / weight. The estimate of Horvitz and Thompson (1952) then has the variance
 * `sum over groups of (1 - p) / p² · n²`, which for a group of n events of weight w is n² · w · (w - 1).
 */
const SAMPLED_TOGETHER = `multiIf(weight = 1, '', correlation_id != '', correlation_id,
    trace_id != toUUID('00000000-0000-0000-0000-000000000000'), toString(trace_id), toString(event_id))`;

/** Sums of one group of events that were sampled together; {@link OVER_GROUPS} adds groups up. */
export const PER_GROUP =
  'count() AS rows, sum(weight) AS weights, pow(sum(sqrt(weight * (weight - 1))), 2) AS variance';
export const GROUP_KEY = SAMPLED_TOGETHER;
export const OVER_GROUPS =
  'sum(rows) AS stored, sum(weights) AS happened, sqrt(sum(variance)) AS standard_error';

export interface TotalRow {
  readonly stored: string;
  readonly happened: number;
  readonly standard_error: number;
}

export const totalOf = (row: TotalRow | undefined): Total => ({
  stored: Number(row?.stored ?? 0),
  happened: Number(row?.happened ?? 0),
  standardError: Number(row?.standard_error ?? 0),
});

/**
 * How many events a query matches.
 *
 * @throws as `search`
 *
 * @example
 * const { happened, standardError } = await count(clickhouse, 'type:gateway.*', { tenant: 'acme' });
 */
export async function count(
  clickhouse: ClickHouse,
  query: string,
  options: AskOptions,
): Promise<Total> {
  return inTime(options, async () => {
    const question = await asked(clickhouse, query, options);
    const params = new Parameters();
    const [row] = await clickhouse.query<TotalRow>(
      `SELECT ${OVER_GROUPS}
FROM (
  SELECT ${PER_GROUP}
  FROM ${sourceSql(question, params)}
  WHERE ${whereSql(question, params)}
  GROUP BY ${GROUP_KEY}
)`,
      callOptions(options, params),
    );
    return totalOf(row);
  });
}
