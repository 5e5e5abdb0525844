import type { Operation, Outcome, Policy, Rule } from '../../schemas/index.ts';
import { filtered, kept, type Decision, type Facts, type Filtered, type Kept } from './decision.ts';
import type { RuleTallies } from './rule-tally.ts';
import { isSampled, samplingKey } from './sampling.ts';

/** A limit that is asked for each event it is about. */
export interface Limiter {
  readonly name: string;
  admits(facts: Facts): boolean;
}

/** The limits of a policy: one for each rule that limits, and the policy's own. */
export interface Limiters {
  of(name: string): Limiter | undefined;
}

/** What the policy's own limits are called where a rule's id would be. */
export const OWN_LIMITS = { default: 'limits.default', protected: 'limits.protected' } as const;

/**
 * What the last steps come to, once it is known which rule matches: rate limit, then sampling.
 * `settled` is the answer where neither has anything to say.
 */
export class Ending {
  readonly settled: Decision | undefined;
  readonly #kept: Kept;
  /** Asked first, where there is one. */
  readonly limiter: Limiter | undefined;
  readonly #limited: Filtered | undefined;
  /** The share that is then kept. */
  readonly rate: number;
  readonly #sampledOut: Filtered;

  private constructor(end: {
    readonly level: string;
    readonly rule?: string | undefined;
    readonly limiter?: Limiter | undefined;
    readonly rate?: number;
    readonly tallies: RuleTallies;
  }) {
    const { level, rule, limiter, rate = 1, tallies } = end;
    const tally = rule === undefined ? undefined : tallies.of(rule);
    this.#kept = kept({ level, ...(rule && { rule }), weight: rate === 0 ? 1 : 1 / rate });
    this.limiter = limiter;
    this.#limited = limiter && filtered('rate_limited', limiter.name, tallies.of(limiter.name));
    this.rate = rate;
    this.#sampledOut = filtered('sampled_out', rule, tally);
    if (limiter === undefined && rate === 1) this.settled = this.#kept;
    else if (limiter === undefined && rate === 0) this.settled = this.#sampledOut;
  }

  decide(facts: Facts): Decision {
    if (this.settled !== undefined) return this.settled;
    if (this.limiter !== undefined && this.#limited !== undefined) {
      if (!this.limiter.admits(facts)) return this.#limited;
    }
    if (this.rate === 1) return this.#kept;
    return isSampled(samplingKey(facts), this.rate) ? this.#kept : this.#sampledOut;
  }

  /** Of events of protected types: a limit of their own, where the policy has one. */
  static ofProtected({ level }: Policy, limiters: Limiters, tallies: RuleTallies): Ending {
    return new Ending({ level, limiter: limiters.of(OWN_LIMITS.protected), tallies });
  }

  /** Of events that a rule keeps, samples or limits, or that no rule matches. */
  static of(
    policy: Policy,
    rule: Exclude<Rule, { readonly action: 'drop' }> | undefined,
    operation: Operation,
    outcome: Outcome,
    limiters: Limiters,
    tallies: RuleTallies,
  ): Ending {
    const { level } = policy;
    const shared = { level, rule: rule?.id, tallies };
    const own = limiters.of(OWN_LIMITS.default);
    switch (rule?.action) {
      case 'keep':
        return new Ending(shared);
      case 'sample':
        return new Ending({ ...shared, limiter: own, rate: rateFor(outcome, rule.rate) });
      case 'limit':
      case undefined: {
        const limiter = rule === undefined ? own : limiters.of(rule.id);
        const rate = rateFor(outcome, generalRate(policy, operation));
        return new Ending({ ...shared, limiter, rate });
      }
    }
  }
}

/** What the policy samples an operation at where no rule says otherwise. */
export const generalRate = ({ sampling }: Policy, operation: Operation): number =>
  sampling.of === 'all' || operation === 'read' ? sampling.rate : 1;

/** Failures and denials are never sampled. */
export const rateFor = (outcome: Outcome, rate: number): number =>
  outcome === 'failure' || outcome === 'denied' ? 1 : rate;
