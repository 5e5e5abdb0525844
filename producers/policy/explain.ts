import { expiryOf, type Limit, type Outcome, type Policy, type Rule } from '../../schemas/index.ts';
import type { Facts, FilterCause } from './decision.ts';
import { OWN_LIMITS } from './ending.ts';
import { passesLevel } from './level.ts';
import { mismatchOf } from './mismatch.ts';
import { matcherOf } from './patterns.ts';
import { isSampled, samplingKey } from './sampling.ts';

/** The steps of a decision, in their order. */
export type StepName =
  'enabled' | 'protected' | 'level' | 'exclusions' | 'rules' | 'rate limit' | 'sampling';

export interface Step {
  readonly step: StepName;
  /** `stops`: it said no, and no later step was asked. */
  readonly says: 'goes on' | 'stops' | 'skipped';
  readonly words: string;
}

/** A decision, step by step, and what it came to. */
export interface Explanation {
  readonly steps: readonly Step[];
  readonly kept: boolean;
  readonly cause?: FilterCause;
  readonly rule?: string;
  readonly weight?: number;
}

export interface ExplainOptions {
  readonly service: string;
  readonly nowMs: number;
  /** Whether a limit has room; it has, when absent. */
  readonly hasRoom?: (limit: string, facts: Facts) => boolean;
}

/**
 * Decides on one event as `emit` does, and says why. This is the decision as it is meant, one step
 * after the other; what `emit` looks up was compiled from the same policy and must agree with it.
 */
export function explain(
  policy: Policy,
  facts: Facts,
  outcome: Outcome,
  { service, nowMs, hasRoom = () => true }: ExplainOptions,
): Explanation {
  const { subject } = facts;
  const { level, exclude, limits } = policy;
  const steps: Step[] = [];
  const goOn = (step: StepName, words: string): void =>
    void steps.push({ step, says: 'goes on', words });
  const skip = (step: StepName, words: string): void =>
    void steps.push({ step, says: 'skipped', words });
  const stop = (step: StepName, cause: FilterCause, words: string, rule?: string): Explanation => {
    steps.push({ step, says: 'stops', words });
    return { steps, kept: false, cause, ...(rule !== undefined && { rule }) };
  };
  const limited = (name: string, limit: Limit | undefined): Explanation | undefined => {
    if (limit === undefined) {
      skip('rate limit', 'none applies');
      return undefined;
    }
    if (!hasRoom(name, facts)) return stop('rate limit', 'rate_limited', `${name} is spent`, name);
    goOn('rate limit', `${name}: ${limitWords(limit)}, kept while within it`);
    return undefined;
  };
  const kept = (weight: number, rule?: string): Explanation => ({
    steps,
    kept: true,
    weight,
    ...(rule !== undefined && { rule }),
  });

  if (!policy.enabled) return stop('enabled', 'disabled', 'recording is turned off');
  goOn('enabled', 'recording is on');

  if (subject.protected) {
    goOn('protected', `the category ${subject.category} is protected: only its own limit applies`);
    return limited(OWN_LIMITS.protected, limits.protected) ?? kept(1);
  }
  goOn('protected', `the category ${subject.category} is not protected`);

  if (!passesLevel(level, subject.operation, outcome)) {
    return stop(
      'level',
      'level',
      `${level} does not keep ${kindWords(subject.operation, outcome)}`,
    );
  }
  const denied = outcome === 'denied' ? 'what was denied passes every level' : undefined;
  goOn('level', denied ?? `${level} keeps ${kindWords(subject.operation, outcome)}`);

  const action = [subject.type, ...subject.aliases].find(matcherOf(exclude.actions));
  if (action !== undefined) {
    return stop('exclusions', 'excluded_action', `the action ${action} is excluded`);
  }
  const { targetType } = facts;
  if (targetType !== undefined && matcherOf(exclude.resources)(targetType)) {
    return stop('exclusions', 'excluded_resource', `the resource ${targetType} is excluded`);
  }
  goOn('exclusions', 'neither action nor resource is excluded');

  const missed: string[] = [];
  const rule = policy.rules.find((one) => {
    const why = whyNot(one, facts, outcome, service, nowMs);
    if (why !== undefined) missed.push(`${one.id} does not match (${why})`);
    return why === undefined;
  });
  const before = missed.length === 0 ? '' : `${missed.join('; ')}; `;
  if (rule === undefined) {
    goOn('rules', missed.length === 0 ? 'there are none' : `none matches: ${missed.join('; ')}`);
  } else if (rule.action === 'drop') {
    return stop('rules', 'rule', `${before}${ruleWords(rule)}`, rule.id);
  } else {
    goOn('rules', `${before}${ruleWords(rule)}`);
  }

  if (rule?.action === 'keep') {
    skip('rate limit', `${rule.id} keeps it`);
    skip('sampling', `${rule.id} keeps it`);
    return kept(1, rule.id);
  }
  const full =
    rule?.action === 'limit'
      ? limited(rule.id, rule.limit)
      : limited(OWN_LIMITS.default, limits.default);
  if (full !== undefined) return full;

  const { rate, of } = rule?.action === 'sample' ? { rate: rule.rate, of: 'all' } : policy.sampling;
  if (outcome === 'failure' || outcome === 'denied') {
    skip('sampling', `a ${outcome === 'denied' ? 'denial' : 'failure'} is never sampled`);
    return kept(1, rule?.id);
  }
  if (rate === 1 || (of === 'reads' && subject.operation !== 'read')) {
    skip('sampling', rate === 1 ? 'everything is kept' : 'only reads are sampled');
    return kept(1, rule?.id);
  }
  const by = samplingKeyWords(facts);
  if (!isSampled(samplingKey(facts), rate)) {
    const words = `the ${by} is not among the ${percent(rate)} that are kept`;
    return stop('sampling', 'sampled_out', words, rule?.id);
  }
  goOn('sampling', `the ${by} is among the ${percent(rate)} that are kept; it weighs ${1 / rate}`);
  return kept(1 / rate, rule?.id);
}

function whyNot(
  rule: Rule,
  facts: Facts,
  outcome: Outcome,
  service: string,
  nowMs: number,
): string | undefined {
  if ((expiryOf(rule.expires) ?? Infinity) <= nowMs) return `expired: ${rule.expires}`;
  return mismatchOf(rule.match, facts, outcome, service);
}

function ruleWords(rule: Rule): string {
  const words = `${rule.id} matches`;
  switch (rule.action) {
    case 'keep':
    case 'drop':
      return `${words}: ${rule.action} (${rule.owner}: ${rule.reason})`;
    case 'sample':
      return `${words}: sample ${percent(rule.rate)} (${rule.owner}: ${rule.reason})`;
    case 'limit':
      return `${words}: limit to ${limitWords(rule.limit)} (${rule.owner}: ${rule.reason})`;
  }
}

const limitWords = ({ events, seconds, per = [] }: Limit): string =>
  `${events} events in ${seconds} s${per.length === 0 ? '' : ` for each ${per.join(' and ')}`}`;

const kindWords = (operation: string, outcome: Outcome): string =>
  `${operation} with the outcome ${outcome}`;

const samplingKeyWords = ({ correlationId, traceId }: Facts): string =>
  correlationId ? 'correlation id' : traceId ? 'trace id' : 'event id';

const percent = (rate: number): string => `${Number((rate * 100).toPrecision(6))} %`;
