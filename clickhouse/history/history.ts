import type { ClickHouse } from '../clickhouse.ts';
import { anyOf, type Condition } from '../search/condition.ts';
import { pagesOf, type SearchOptions, type SearchPage } from '../search/search.ts';
import { ownEventsOf, type TargetKey } from './target-events.ts';

/**
 * Everything that happened to a target, page by page, oldest first unless told otherwise: the events whose
 * target it is, and those of its children, which name it as their `parent`.
 *
 * @throws as `search`
 *
 * @example
 * for await (const { events } of history(clickhouse, { type: 'app', id: 'app-7' }, { tenant: 'acme' })) {
 *   for (const { occurredAt, type, changes } of events) console.log(occurredAt, type, changes);
 * }
 */
export function history(
  clickhouse: ClickHouse,
  target: TargetKey,
  options: SearchOptions,
): AsyncGenerator<SearchPage, void> {
  return pagesOf(clickhouse, historyOf(target), { order: 'oldest', ...options });
}

/** The events of a history as a condition. Pure. */
const historyOf = (target: TargetKey): Condition =>
  anyOf([
    ownEventsOf(target),
    { kind: 'related', role: 'parent', type: [target.type], id: [target.id] },
  ]);
