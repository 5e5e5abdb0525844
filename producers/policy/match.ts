import type { Match, Outcome } from '../../schemas/index.ts';
import type { Facts, Subject } from './decision.ts';
import { matcherOf, type NameMatcher } from './patterns.ts';

/** Whether a rule can match events of a type and outcome at all; undefined is any service. */
export function matchesKind(
  match: Match,
  { type, aliases, category, operation }: Subject,
  outcome: Outcome,
  service: string | undefined,
): boolean {
  return (
    isAmong(match.category, category) &&
    (isAmong(match.type, type) || aliases.some((alias) => isAmong(match.type, alias))) &&
    (match.operation?.includes(operation) ?? true) &&
    (match.outcome?.includes(outcome) ?? true) &&
    (service === undefined || isAmong(match.service, service))
  );
}

const isAmong = (patterns: readonly string[] | undefined, name: string): boolean =>
  patterns === undefined || matcherOf(patterns)(name);

export type FactsMatcher = (facts: Facts) => boolean;

/** Whether a rule matches an event, as far as its kind does not tell; undefined when it does. */
export function factsMatcher({ severity, tenant, actor, target }: Match): FactsMatcher | undefined {
  const conditions: FactsMatcher[] = [];
  const named = (
    patterns: readonly string[] | undefined,
    nameOf: (facts: Facts) => string | undefined,
  ): void => {
    if (patterns === undefined) return;
    const matches: NameMatcher = matcherOf(patterns);
    conditions.push((facts) => {
      const name = nameOf(facts);
      return name !== undefined && matches(name);
    });
  };
  if (severity !== undefined) conditions.push((facts) => severity.includes(facts.severity));
  named(tenant, (facts) => facts.tenant);
  named(target?.type, (facts) => facts.targetType);
  named(actor?.type, (facts) => facts.actor?.type);
  named(actor?.id, (facts) => facts.actor?.id);
  const [first, ...more] = conditions;
  if (first === undefined || more.length === 0) return first;
  return (facts) => conditions.every((holds) => holds(facts));
}
