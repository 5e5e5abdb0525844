import {
  ledgerEvents,
  OUTCOMES,
  type Catalog,
  type Category,
  type Match,
  type Outcome,
  type ResolvedEvent,
} from '../../schemas/index.ts';
import { isGlob, matcherOf } from './patterns.ts';

/** A kind of event: one type and outcome. All of a catalog's can be gone through. */
export interface Kind {
  readonly subject: ResolvedEvent;
  readonly outcome: Outcome;
}

/** Every declared type's every version, Ledgerline's own too. */
export function subjectsOf(catalog: Catalog): readonly ResolvedEvent[] {
  const subjects: ResolvedEvent[] = [];
  for (const source of [catalog, ledgerEvents]) {
    for (const category of source.categories.values()) {
      for (const [type, versions] of category.types) {
        for (const { version } of versions) {
          const subject = source.resolve(type, version);
          if (subject !== undefined) subjects.push(subject);
        }
      }
    }
  }
  return subjects;
}

export const kindsOf = (subjects: readonly ResolvedEvent[]): Kind[] =>
  subjects.flatMap((subject) =>
    (Object.keys(OUTCOMES) as Outcome[]).map((outcome) => ({ subject, outcome })),
  );

/** The categories in which a rule can also match types that nobody declared. */
export function freeFormOf(catalog: Catalog, match: Match): Category[] {
  const matchesCategory = matcherOf(match.category ?? ['*']);
  return [...catalog.categories.values()].filter(
    ({ name, freeForm }) =>
      freeForm &&
      matchesCategory(name) &&
      (match.type ?? ['*']).some((type) => mayBegin(type, `${name}.`)) &&
      (match.operation?.includes('unknown') ?? true),
  );
}

/** Whether a name of this pattern may begin with a prefix. */
function mayBegin(pattern: string, prefix: string): boolean {
  if (!isGlob(pattern)) return pattern.startsWith(prefix);
  const head = pattern.slice(0, pattern.indexOf('*'));
  return head.startsWith(prefix) || prefix.startsWith(head);
}
