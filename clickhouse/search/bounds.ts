import type { Condition } from './condition.ts';

/** When the events that can match have occurred: microseconds since 1970, `before` not in it. */
export interface TimeBounds {
  readonly from: number | undefined;
  readonly before: number | undefined;
}

const OPEN: TimeBounds = { from: undefined, before: undefined };

/** The narrowest bounds that are certain to hold all that the condition matches. Pure. */
export function timeBounds(condition: Condition): TimeBounds {
  switch (condition.kind) {
    case 'time':
      return condition.column === 'occurred_at'
        ? { from: condition.from, before: condition.before }
        : OPEN;
    case 'all':
      return condition.of.map(timeBounds).reduce(
        (a, b) => ({
          from: a.from === undefined ? b.from : Math.max(a.from, b.from ?? a.from),
          before: a.before === undefined ? b.before : Math.min(a.before, b.before ?? a.before),
        }),
        OPEN,
      );
    case 'any': {
      const each = condition.of.map(timeBounds);
      const froms = each.map(({ from }) => from);
      const befores = each.map(({ before }) => before);
      return {
        from: froms.every((from) => from !== undefined) ? Math.min(...froms) : undefined,
        before: befores.every((before) => before !== undefined) ? Math.max(...befores) : undefined,
      };
    }
    default:
      return OPEN;
  }
}

const INDEXED = new Set<string>(['actor_id', 'target_id', 'correlation_id']);

/**
 * Whether every match names a value that a skip index of the table finds: then a longer time is asked
 * at once, because what does not hold that value is not read.
 */
export function isIndexed(condition: Condition): boolean {
  switch (condition.kind) {
    case 'all':
      return condition.of.some(isIndexed);
    case 'any':
      return condition.of.length > 0 && condition.of.every(isIndexed);
    case 'uuid':
      return condition.column === 'event_id';
    case 'like':
      return (
        condition.source.in === 'column' &&
        INDEXED.has(condition.source.column) &&
        condition.pattern.length === 1 &&
        !condition.fold
      );
    case 'related':
      return condition.id.length === 1;
    default:
      return false;
  }
}

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7/i;

/** When the one event that can match was emitted, where the condition names an id that tells it: microseconds since 1970. */
export function timeOfId(condition: Condition): number | undefined {
  if (condition.kind === 'all') {
    return condition.of.map(timeOfId).find((micros) => micros !== undefined);
  }
  if (condition.kind !== 'uuid' || condition.column !== 'event_id') return undefined;
  if (!VERSION_7.test(condition.value)) return undefined;
  return Number.parseInt(condition.value.slice(0, 13).replace('-', ''), 16) * 1000;
}
