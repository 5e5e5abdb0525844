import type { AuditEvent } from '../../schemas/index.ts';
import { LedgerlineError } from '../../schemas/errors.ts';
import { readMicros } from '../../schemas/instant.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { asked, type AskOptions, inTime, type Question, timeZoneOf } from './ask.ts';
import { type CursorOwner, openCursor, sealCursor } from './cursor.ts';
import { firstEvents } from './first-events.ts';
import { tenantsOf } from './scope.ts';
import type { Order } from './stretches.ts';

const MAX_PAGE_SIZE = 1000;

export interface SearchOptions extends AskOptions {
  /** Default `newest`. */
  readonly order?: Order;
  /** Events of one page, 1 to 1,000. Default 50. */
  readonly pageSize?: number;
  /** Where to go on: the `cursor` of the page before, of the same query, tenant, order and time zone. */
  readonly cursor?: string;
  /** Seals cursors, so that a holder cannot make one up; without it they only tell accidents. */
  readonly cursorKey?: string;
}

export interface SearchPage {
  readonly events: readonly AuditEvent[];
  /** Of the page behind this one; absent: there was nothing more. */
  readonly cursor?: string;
}

/**
 * One page of the events that a query matches, each once, newest first.
 *
 * Pages are cut by time and id, not by number: events that arrive meanwhile neither repeat nor hide
 * any that was there when the first page was read. A page of very large events is shorter than asked for.
 *
 * @throws QueryError (`QUERY_INVALID`) pointing at the character; LedgerlineError `CURSOR_INVALID`,
 *   `DEADLINE_EXCEEDED`, `CONFIG_INVALID`; ClickHouseError, ClickHouseUnreachable; the signal's reason
 *
 * @example
 * const page = await searchPage(clickhouse, 'outcome:denied since:7d', { tenant: 'acme' });
 * const next = page.cursor && (await searchPage(clickhouse, 'outcome:denied since:7d', { tenant: 'acme', cursor: page.cursor }));
 */
export function searchPage(
  clickhouse: ClickHouse,
  query: string,
  options: SearchOptions,
): Promise<SearchPage> {
  return pageOf(clickhouse, query, options);
}

/** {@link searchPage}, of a condition as well. */
async function pageOf(
  clickhouse: ClickHouse,
  question: Question,
  options: SearchOptions,
): Promise<SearchPage> {
  const order = options.order ?? 'newest';
  const pageSize = pageSizeOf(options);
  const owner: CursorOwner = {
    query: typeof question === 'string' ? question : JSON.stringify(question),
    tenants: tenantsOf(options.tenant),
    order,
    timeZone: timeZoneOf(options),
    key: options.cursorKey ?? '',
  };
  const after = options.cursor === undefined ? undefined : openCursor(options.cursor, owner);
  return inTime(options, async () => {
    const read = await asked(clickhouse, question, options, after?.nowMs);
    const wanted = { asked: read, order, limit: pageSize, after };
    const { events, more } = await firstEvents(clickhouse, wanted, options);
    const last = events.at(-1);
    if (!more || last === undefined) return { events };
    const position = {
      micros: readMicros(String(last.occurredAt)),
      id: last.id,
      nowMs: read.nowMs,
    };
    return { events, cursor: sealCursor(position, owner) };
  });
}

/**
 * All pages of a query, read as they are asked for.
 *
 * @throws as {@link searchPage}
 *
 * @example
 * for await (const { events } of search(clickhouse, 'target:app/app-7', { tenant: 'acme' })) {
 *   for (const event of events) console.log(event.type);
 * }
 */
export function search(
  clickhouse: ClickHouse,
  query: string,
  options: SearchOptions,
): AsyncGenerator<SearchPage, void> {
  return pagesOf(clickhouse, query, options);
}

/** {@link search}, of a condition as well. */
export async function* pagesOf(
  clickhouse: ClickHouse,
  question: Question,
  options: SearchOptions,
): AsyncGenerator<SearchPage, void> {
  let { cursor } = options;
  do {
    const page = await pageOf(clickhouse, question, {
      ...options,
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield page;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

function pageSizeOf({ pageSize = 50 }: SearchOptions): number {
  if (Number.isInteger(pageSize) && pageSize >= 1 && pageSize <= MAX_PAGE_SIZE) return pageSize;
  throw new LedgerlineError('CONFIG_INVALID', 'the option pageSize is out of range', {
    hint: `Pass a whole number from 1 to ${MAX_PAGE_SIZE}.`,
  });
}
