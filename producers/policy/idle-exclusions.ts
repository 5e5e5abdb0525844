import type { Catalog, Policy } from '../../schemas/index.ts';
import type { Fault } from './document.ts';
import { freeFormOf, subjectsOf } from './kinds.ts';
import { matcherOf } from './patterns.ts';

/** Exclusions without effect: names nobody declared, and what is protected. For `policy lint`. */
export function idleExclusions({ exclude }: Policy, catalog: Catalog): Fault[] {
  const subjects = subjectsOf(catalog);
  return exclude.actions.flatMap((pattern, index): Fault[] => {
    const path = ['exclude', 'actions', index];
    const matches = matcherOf([pattern]);
    const found = subjects.filter(({ type, aliases }) => [type, ...aliases].some(matches));
    const freeForm = freeFormOf(catalog, { type: [pattern] }).length > 0;
    if (found.length === 0 && !freeForm) {
      return [{ path, message: 'excludes nothing: the catalog has no such type' }];
    }
    const guarded = found.find((one) => one.protected);
    return guarded === undefined
      ? []
      : [{ path, message: `does not exclude ${guarded.type}, which is protected` }];
  });
}
