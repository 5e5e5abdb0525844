import type { Outcome, Policy, Rule } from '../../schemas/index.ts';
import { filtered, type Decision, type Facts, type Filtered, type Subject } from './decision.ts';
import { Ending, type Limiters } from './ending.ts';
import { passesLevel } from './level.ts';
import { factsMatcher, matchesKind, type FactsMatcher } from './match.ts';
import { matcherOf, type NameMatcher } from './patterns.ts';
import type { RuleTallies } from './rule-tally.ts';

/** What a policy needs besides itself. */
export interface CompileOptions {
  /** Who records: rules may be about some services only. */
  readonly service: string;
  /** Without those that have expired. */
  readonly rules: readonly Rule[];
  readonly limiters: Limiters;
  readonly tallies: RuleTallies;
}

/** A rule that some events of a type and outcome match, and what then becomes of them. */
interface Branch {
  readonly matches: FactsMatcher;
  readonly ending: Ending | Filtered;
}

/** What the policy says of one type's events of one outcome. */
export class Verdict {
  /** The answer, where nothing about the single event can change it. */
  readonly settled: Decision | undefined;
  readonly #excludes: NameMatcher | undefined;
  readonly #branches: readonly Branch[];
  readonly #otherwise: Ending | Filtered;

  constructor(
    otherwise: Ending | Filtered,
    branches: readonly Branch[] = [],
    excludes?: NameMatcher,
  ) {
    this.#excludes = excludes;
    this.#branches = branches;
    this.#otherwise = otherwise;
    if (excludes === undefined && branches.length === 0) {
      this.settled = otherwise instanceof Ending ? otherwise.settled : otherwise;
    }
  }

  /** The answer for one event. */
  decide(facts: Facts): Decision {
    if (this.settled !== undefined) return this.settled;
    const ending = this.endingOf(facts);
    return ending instanceof Ending ? ending.decide(facts) : ending;
  }

  /** Where the steps up to the rules lead an event: out, or to its limit and its sampling rate. */
  endingOf(facts: Facts): Ending | Filtered {
    if (this.#excludes !== undefined) {
      const { targetType } = facts;
      if (targetType !== undefined && this.#excludes(targetType)) return EXCLUDED_RESOURCE;
    }
    for (const { matches, ending } of this.#branches) if (matches(facts)) return ending;
    return this.#otherwise;
  }
}

/** What the policy says of one type's events, by outcome: all that `emit` looks at. */
export type Verdicts = Readonly<Record<Outcome, Verdict>>;

/** The answer where nothing is recorded. */
export const DISABLED = filtered('disabled');
const LEVEL = filtered('level');
const EXCLUDED_ACTION = filtered('excluded_action');
const EXCLUDED_RESOURCE = filtered('excluded_resource');

/** A policy that was read once, for all types that will be asked for. */
export interface CompiledPolicy {
  readonly enabled: boolean;
  verdictsOf(subject: Subject): Verdicts;
}

/**
 * Works out beforehand what does not depend on the single event: of the steps in their order, those
 * that only look at type and outcome are done; of the rules, those that cannot match are gone.
 */
export function compile(policy: Policy, options: CompileOptions): CompiledPolicy {
  const { service, rules, limiters, tallies } = options;
  const excludesAction = matcherOf(policy.exclude.actions);
  const excludesResource =
    policy.exclude.resources.length === 0 ? undefined : matcherOf(policy.exclude.resources);
  const conditions = new Map(rules.map((rule) => [rule, factsMatcher(rule.match)]));

  const ending = (
    rule: Rule | undefined,
    { operation }: Subject,
    outcome: Outcome,
  ): Ending | Filtered =>
    rule?.action === 'drop'
      ? filtered('rule', rule.id, tallies.of(rule.id))
      : Ending.of(policy, rule, operation, outcome, limiters, tallies);

  const verdictOf = (subject: Subject, outcome: Outcome): Verdict => {
    if (!policy.enabled) return new Verdict(DISABLED);
    if (subject.protected) return new Verdict(Ending.ofProtected(policy, limiters, tallies));
    if (!passesLevel(policy.level, subject.operation, outcome)) return new Verdict(LEVEL);
    if ([subject.type, ...subject.aliases].some(excludesAction)) {
      return new Verdict(EXCLUDED_ACTION);
    }
    const branches: Branch[] = [];
    for (const rule of rules) {
      if (!matchesKind(rule.match, subject, outcome, service)) continue;
      const matches = conditions.get(rule);
      const end = ending(rule, subject, outcome);
      if (matches === undefined) return new Verdict(end, branches, excludesResource);
      branches.push({ matches, ending: end });
    }
    return new Verdict(ending(undefined, subject, outcome), branches, excludesResource);
  };

  return {
    enabled: policy.enabled,
    verdictsOf: (subject) => ({
      unknown: verdictOf(subject, 'unknown'),
      success: verdictOf(subject, 'success'),
      failure: verdictOf(subject, 'failure'),
      denied: verdictOf(subject, 'denied'),
    }),
  };
}
