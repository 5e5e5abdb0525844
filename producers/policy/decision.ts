import type { Level, Operation, Outcome } from '../../schemas/index.ts';
import { passesLevel } from './level.ts';
import { matcherOf, type NameMatcher } from './patterns.ts';

/** The steps that can say no, in their order. The first to do so is the cause that is counted. */
export const FILTER_CAUSES = [
  'disabled',
  'level',
  'excluded_action',
  'excluded_resource',
  'rule',
  'rate_limited',
  'sampled_out',
] as const;
export type FilterCause = (typeof FILTER_CAUSES)[number];

/** Where every step says yes. */
export const KEEP = 'keep';
type Verdict = typeof KEEP | FilterCause;

/** What the edge keeps. */
export interface Policy {
  readonly enabled: boolean;
  readonly level: Level;
  readonly excludesAction: NameMatcher;
  readonly excludesResource: NameMatcher;
}

/** What the policy looks at, of an event's type. */
export interface Subject {
  readonly type: string;
  readonly aliases: readonly string[];
  readonly operation: Operation;
  readonly protected: boolean;
}

export const policyOf = (options: {
  readonly enabled: boolean;
  readonly level: Level;
  readonly excludeActions: readonly string[];
  readonly excludeResources: readonly string[];
}): Policy => ({
  enabled: options.enabled,
  level: options.level,
  excludesAction: matcherOf(options.excludeActions),
  excludesResource: matcherOf(options.excludeResources),
});

/**
 * Whether the edge keeps an event: enabled, protected, level, exclusions, in this order.
 * Pure; {@link verdictsOf} asks it once for each type, so that `emit` only looks up the answer.
 *
 * @param targetType the target's type, or undefined to leave that exclusion out
 */
export function decide(
  policy: Policy,
  subject: Subject,
  outcome: Outcome,
  targetType: string | undefined,
): Verdict {
  if (!policy.enabled) return 'disabled';
  if (subject.protected) return KEEP;
  if (!passesLevel(policy.level, subject.operation, outcome)) return 'level';
  if ([subject.type, ...subject.aliases].some(policy.excludesAction)) return 'excluded_action';
  if (targetType !== undefined && policy.excludesResource(targetType)) return 'excluded_resource';
  return KEEP;
}

/** What the policy says of one type's events, by outcome, apart from what depends on the target. */
export type Verdicts = Readonly<Record<Outcome, Verdict>>;

/** Every answer {@link decide} can give for a type. */
export const verdictsOf = (policy: Policy, subject: Subject): Verdicts => {
  const of = (outcome: Outcome): Verdict => decide(policy, subject, outcome, undefined);
  return {
    unknown: of('unknown'),
    success: of('success'),
    failure: of('failure'),
    denied: of('denied'),
  };
};
