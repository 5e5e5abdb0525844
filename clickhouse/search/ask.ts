import { LedgerlineError } from '../../schemas/errors.ts';
import type { CallOptions, ClickHouse, Settings } from '../clickhouse.ts';
import { ClickHouseError, ClickHouseUnreachable } from '../errors.ts';
import { ACTIVE_HOLDS } from '../holds/holds.ts';
import { daysInForce, type RetentionClasses } from '../retention/classes.ts';
import { readRetentionState } from '../retention/retention.ts';
import { timeBounds } from './bounds.ts';
import { compile, instant, Parameters } from './compile.ts';
import type { Condition } from './condition.ts';
import { parseQuery } from './parse.ts';
import { resolve } from './resolve.ts';
import { isKept, type TenantScope, tenantSql, tenantsOf, unexpiredSql } from './scope.ts';
import { isTimeZone } from './time-zone.ts';

export const DEFAULT_SEARCH_TIMEOUT_MS = 30_000;

/** What every question to the ledger takes. */
export interface AskOptions {
  /** Whose events: a tenant, several, or `EVERY_TENANT`. There is no default. */
  readonly tenant: TenantScope;
  /** Of dates without one in the query, and of days in `activity`. Default `UTC`. */
  readonly timeZone?: string;
  /** What relative times count from. Default: now. */
  readonly now?: Date;
  /** Deadline of each answer, in milliseconds; the server stops working on it too. Default 30,000. */
  readonly timeoutMs?: number;
  /** Aborting ends the wait, and the statement on the server. */
  readonly signal?: AbortSignal;
}

/** A query, read and scoped: what all kinds of answers start from. */
export interface Asked {
  readonly condition: Condition;
  readonly tenants: readonly string[] | undefined;
  readonly nowMs: number;
  readonly timeZone: string;
  readonly classes: RetentionClasses;
  /** By class: up to when its events had expired by the fewer days of once, in microseconds since 1970. */
  readonly expiredBefore: Readonly<Record<string, number>>;
  /** Some events outlive their days, by a hold. */
  readonly held: boolean;
}

/** A query as people write it, or a condition made in code. */
export type Question = string | Condition;

/**
 * Reads a question for one scope.
 *
 * @throws QueryError for a query that cannot be read; LedgerlineError `CONFIG_INVALID` for options
 */
export async function asked(
  clickhouse: ClickHouse,
  question: Question,
  options: AskOptions,
  nowMs = (options.now ?? new Date()).getTime(),
): Promise<Asked> {
  const tenants = tenantsOf(options.tenant);
  const timeZone = timeZoneOf(options);
  const condition =
    typeof question === 'string' ? resolve(parseQuery(question), { nowMs, timeZone }) : question;
  return { condition, tenants, nowMs, timeZone, ...(await keepingOf(clickhouse)) };
}

/** @throws LedgerlineError `CONFIG_INVALID` for a zone that the runtime does not know */
export function timeZoneOf({ timeZone = 'UTC' }: Pick<AskOptions, 'timeZone'>): string {
  if (isTimeZone(timeZone)) return timeZone;
  throw new LedgerlineError('CONFIG_INVALID', 'the time zone is unknown', {
    hint: 'Use a name of the IANA time zone database: UTC, Europe/Berlin.',
  });
}

/**
 * The rows of a question: its tenants', not expired, and what the query says.
 *
 * @param from where the caller reads rows of this time and later only, in microseconds since 1970
 */
export function whereSql(asked: Asked, params: Parameters, from = -Infinity): string {
  const { condition, classes, nowMs } = asked;
  const earliest = Math.max(from, timeBounds(condition).from ?? from);
  // Where events are held, it is the source that leaves out what has expired.
  const mayHaveExpired = !asked.held && !isKept(classes, earliest, nowMs * 1000);
  return [
    tenantSql(asked.tenants, params),
    ...(mayHaveExpired ? [unexpiredSql(classes, instant(nowMs * 1000, params), params)] : []),
    compile(condition, params).sql,
  ].join('\n  AND ');
}

/** What keeps events: their classes' days, and holds. */
type Keeping = Pick<Asked, 'classes' | 'expiredBefore' | 'held'>;

/** Both rarely change: what the tables say is good for this long. */
const KEEPING_FRESH_MS = 10_000;
const known = new WeakMap<
  ClickHouse,
  { readonly at: number; readonly keeping: Promise<Keeping> }
>();

function keepingOf(clickhouse: ClickHouse): Promise<Keeping> {
  const before = known.get(clickhouse);
  if (before !== undefined && performance.now() - before.at < KEEPING_FRESH_MS) {
    return before.keeping;
  }
  const keeping = readKeeping(clickhouse);
  known.set(clickhouse, { at: performance.now(), keeping });
  keeping.catch(() => known.delete(clickhouse));
  return keeping;
}

/** Asks afresh the next time: whoever has just changed what keeps events wants to see it. */
export const forget = (clickhouse: ClickHouse): void => void known.delete(clickhouse);

async function readKeeping(clickhouse: ClickHouse): Promise<Keeping> {
  const [state, held] = await Promise.all([readRetentionState(clickhouse), hasHolds(clickhouse)]);
  const marks = Object.entries(state.expiredBefore ?? {});
  const expiredBefore = Object.fromEntries(
    marks.map(([name, time]) => [name, Date.parse(time) * 1000]),
  );
  return { classes: daysInForce(state), expiredBefore, held };
}

const UNKNOWN_TABLE = 60;

/** A database that was not yet migrated to have holds has none. */
async function hasHolds(clickhouse: ClickHouse): Promise<boolean> {
  try {
    return (await clickhouse.query(`${ACTIVE_HOLDS} LIMIT 1`)).length > 0;
  } catch (error) {
    if (error instanceof ClickHouseError && error.engineCode === UNKNOWN_TABLE) return false;
    throw error;
  }
}

/** One statement on its way, with what is left of the question's time. */
export function callOptions(
  options: Pick<AskOptions, 'timeoutMs' | 'signal'>,
  params: Parameters,
  startedMs = performance.now(),
): CallOptions {
  const given = options.timeoutMs ?? DEFAULT_SEARCH_TIMEOUT_MS;
  const timeoutMs = Math.max(1, Math.ceil(given - (performance.now() - startedMs)));
  return {
    params: params.values,
    settings: { ...READING, max_execution_time: Math.ceil(timeoutMs / 1000) },
    timeoutMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

const READING: Settings = {
  readonly: 2,
  // The reader that is gone, or has aborted, leaves no statement running.
  cancel_http_readonly_queries_on_client_close: 1,
  max_bytes_before_external_group_by: 512 * 1024 * 1024,
  max_bytes_before_external_sort: 512 * 1024 * 1024,
};

const TIMEOUT_EXCEEDED = 159;

/** A question that takes too long is the asker's to narrow, not a fault of ClickHouse. */
export async function inTime<T>(
  { timeoutMs = DEFAULT_SEARCH_TIMEOUT_MS }: Pick<AskOptions, 'timeoutMs'>,
  answer: () => Promise<T>,
): Promise<T> {
  const started = performance.now();
  try {
    return await answer();
  } catch (error) {
    const refused = error instanceof ClickHouseError && error.engineCode === TIMEOUT_EXCEEDED;
    const unanswered =
      error instanceof ClickHouseUnreachable && performance.now() - started >= timeoutMs;
    if (!refused && !unanswered) throw error;
    throw new LedgerlineError(
      'DEADLINE_EXCEEDED',
      `the search found no end within ${timeoutMs} ms`,
      {
        hint: 'Narrow it: name a tenant, a shorter time (since:1d), a type; or allow it more time.',
        cause: error,
      },
    );
  }
}
