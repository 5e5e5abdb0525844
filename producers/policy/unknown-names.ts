import type { Catalog, Match, ResolvedEvent } from '../../schemas/index.ts';
import type { Path } from './document.ts';
import { freeFormOf } from './kinds.ts';
import { isGlob, matcherOf } from './patterns.ts';

interface Unknown {
  readonly at: Path;
  readonly message: string;
}

/** Categories and types in a match that the catalog has not. */
export function unknownNames(
  match: Match,
  catalog: Catalog,
  subjects: readonly ResolvedEvent[],
): Unknown[] {
  const known = new Set([
    ...catalog.categories.keys(),
    ...subjects.map(({ category }) => category),
  ]);
  const categories = (match.category ?? []).flatMap((pattern, index): Unknown[] => {
    const matches = matcherOf([pattern]);
    if ([...known].some(matches)) return [];
    const message = isGlob(pattern)
      ? 'matches no category of the catalog'
      : `is no category of the catalog; it has ${[...known].join(', ')}`;
    return [{ at: ['match', 'category', index], message }];
  });
  const types = (match.type ?? []).flatMap((pattern, index): Unknown[] => {
    const matches = matcherOf([pattern]);
    if (subjects.some(({ type, aliases }) => [type, ...aliases].some(matches))) return [];
    if (freeFormOf(catalog, { type: [pattern] }).length > 0) return [];
    const hint = isGlob(pattern) ? undefined : catalog.explain(pattern).hint;
    const nearest = /^Did you mean "[^"]*"\?/u.exec(hint ?? '')?.[0];
    const message = isGlob(pattern)
      ? 'matches no type of the catalog'
      : 'is no type of the catalog';
    return [
      { at: ['match', 'type', index], message: [message, nearest].filter(Boolean).join('. ') },
    ];
  });
  return [...categories, ...types];
}
