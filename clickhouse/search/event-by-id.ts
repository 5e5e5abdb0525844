import { LedgerlineError } from '../../schemas/errors.ts';
import type { AuditEvent } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { type AskOptions } from './ask.ts';
import { searchPage } from './search.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * One event, or `undefined` where this scope has none of that id (any more).
 *
 * @throws LedgerlineError `CONFIG_INVALID` for what is no UUID; otherwise as `search`
 *
 * @example
 * const event = await eventById(clickhouse, '0198c0de-0000-7000-8000-0000000000aa', { tenant: 'acme' });
 */
export async function eventById(
  clickhouse: ClickHouse,
  id: string,
  options: AskOptions,
): Promise<AuditEvent | undefined> {
  if (!UUID.test(id)) {
    throw new LedgerlineError('CONFIG_INVALID', 'the id is no UUID', {
      hint: 'Pass an event’s whole id: 0198c0de-0000-7000-8000-0000000000aa.',
    });
  }
  const { events } = await searchPage(clickhouse, `id:${id}`, { ...options, pageSize: 1 });
  return events[0];
}
