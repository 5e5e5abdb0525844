import type { ClickHouse } from '../clickhouse.ts';
import { allOf, anyOf, type Condition } from '../search/condition.ts';
import { pagesOf, type SearchOptions, type SearchPage } from '../search/search.ts';

/** What a history is of: a target by its type and id, as events name it. */
export interface TargetKey {
  readonly type: string;
  readonly id: string;
}

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
function historyOf({ type, id }: TargetKey): Condition {
  const is = (column: 'target_type' | 'target_id', text: string): Condition => ({
    kind: 'like',
    source: { in: 'column', column },
    pattern: [text],
    fold: false,
  });
  return anyOf([
    allOf([is('target_type', type), is('target_id', id)]),
    { kind: 'related', role: 'parent', type: [type], id: [id] },
  ]);
}
