import type { Match, Outcome } from '../../schemas/index.ts';
import type { Facts } from './decision.ts';
import { matcherOf } from './patterns.ts';

/** The first condition of a match that an event does not meet, in words; undefined when it matches. */
export function mismatchOf(
  match: Match,
  { subject, severity, tenant, actor, targetType }: Facts,
  outcome: Outcome,
  service: string,
): string | undefined {
  const conditions: readonly (readonly [
    name: string,
    allowed: readonly string[] | undefined,
    is: readonly (string | undefined)[],
  ])[] = [
    ['category', match.category, [subject.category]],
    ['type', match.type, [subject.type, ...subject.aliases]],
    ['operation', match.operation, [subject.operation]],
    ['outcome', match.outcome, [outcome]],
    ['severity', match.severity, [severity]],
    ['actor type', match.actor?.type, [actor?.type]],
    ['actor id', match.actor?.id, [actor?.id]],
    ['target type', match.target?.type, [targetType]],
    ['tenant', match.tenant, [tenant]],
    ['service', match.service, [service]],
  ];
  for (const [name, allowed, is] of conditions) {
    if (allowed === undefined) continue;
    const matches = matcherOf(allowed);
    if (is.some((value) => value !== undefined && matches(value))) continue;
    return `its ${name} is not ${allowed.join(' or ')}`;
  }
  return undefined;
}
