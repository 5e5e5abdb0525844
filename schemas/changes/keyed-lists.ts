import { isList, memberOf, ownMemberOf, viewOf } from '../json-view.ts';

/** How two lists of keyed items relate. */
export interface Pairing {
  /** Items of both that keep their order: [index before, index after], ascending. */
  readonly kept: readonly (readonly [number, number])[];
  /** Indexes before of items that go, also of those that move. */
  readonly gone: readonly number[];
  /** Indexes after of items that come, also of those that moved. */
  readonly come: readonly number[];
}

/**
 * Pairs two lists' items by the value of a field. Undefined where that field does not tell the
 * items apart: one lacks it, or two have the same.
 */
export function pairByKey(
  before: readonly unknown[],
  after: readonly unknown[],
  field: string,
): Pairing | undefined {
  const beforeIndex = indexByKey(before, field);
  const afterIndex = indexByKey(after, field);
  if (beforeIndex === undefined || afterIndex === undefined) return undefined;
  const shared = [...afterIndex].flatMap(([key, index]): [number, number][] => {
    const was = beforeIndex.get(key);
    return was === undefined ? [] : [[was, index]];
  });
  const kept = longestAscending(shared);
  const staying = new Set(kept.map(([was]) => was));
  const there = new Set(kept.map(([, is]) => is));
  return {
    kept,
    gone: [...beforeIndex.values()].filter((index) => !staying.has(index)),
    come: [...afterIndex.values()].filter((index) => !there.has(index)),
  };
}

function indexByKey(list: readonly unknown[], field: string): Map<unknown, number> | undefined {
  const byKey = new Map<unknown, number>();
  for (let index = 0; index < list.length; index += 1) {
    const item = viewOf(memberOf(list, index));
    if (typeof item !== 'object' || item === null || isList(item)) return undefined;
    const key = viewOf(ownMemberOf(item, field));
    if (typeof key !== 'string' && typeof key !== 'number') return undefined;
    if (byKey.has(key)) return undefined;
    byKey.set(key, index);
  }
  return byKey;
}

/** The most pairs whose first numbers ascend; the second ones do already (patience sorting). */
function longestAscending(
  pairs: readonly (readonly [number, number])[],
): readonly (readonly [number, number])[] {
  /** For each length, the pair that ends such a run lowest. */
  const ends: number[] = [];
  const previous: (number | undefined)[] = [];
  const first = (at: number): number => pairs[at]?.[0] ?? 0;
  pairs.forEach(([was], at) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (first(ends[middle] ?? 0) < was) low = middle + 1;
      else high = middle;
    }
    previous[at] = low === 0 ? undefined : ends[low - 1];
    ends[low] = at;
  });
  const run: (readonly [number, number])[] = [];
  for (let at = ends.at(-1); at !== undefined; at = previous[at]) {
    const pair = pairs[at];
    if (pair !== undefined) run.push(pair);
  }
  return run.toReversed();
}
