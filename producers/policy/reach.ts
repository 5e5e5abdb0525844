import { expiryOf, type Catalog, type Policy, type Rule } from '../../schemas/index.ts';
import { generalRate, rateFor } from './ending.ts';
import type { Fault, Path } from './document.ts';
import { kindsOf, freeFormOf, subjectsOf, type Kind } from './kinds.ts';
import { passesLevel } from './level.ts';
import { matchesKind } from './match.ts';
import { unknownNames } from './unknown-names.ts';
import { matcherOf } from './patterns.ts';
import { coversFacts, coversWhole } from './shadow.ts';

interface ReachOptions {
  readonly catalog: Catalog;
  /** Rules of other services are left alone, since their types are in another catalog. */
  readonly service?: string | undefined;
  readonly nowMs: number;
}

export interface Reach {
  /** What must not be: such a policy is refused. */
  readonly errors: readonly Fault[];
  /** What has no effect. */
  readonly warnings: readonly Fault[];
}

/**
 * Judges what the schema cannot see: rules that would silence what is protected, rules that can
 * never match, names that the catalog does not know. Pure.
 */
export function checkReach(policy: Policy, { catalog, service, nowMs }: ReachOptions): Reach {
  const errors: Fault[] = [];
  const warnings: Fault[] = [];
  const subjects = subjectsOf(catalog);
  const kinds = kindsOf(subjects);
  const earlier: Rule[] = [];

  policy.rules.forEach((rule, index) => {
    const path: Path = ['rules', index];
    const report = (faults: Fault[], at: Path, message: string): void =>
      void faults.push({ path: [...path, ...at], message });

    const at = expiryOf(rule.expires) ?? Infinity;
    if (at <= nowMs) {
      report(warnings, ['expires'], `has passed: the rule "${rule.id}" no longer applies`);
      return;
    }
    if (service !== undefined && !matcherOf(rule.match.service ?? ['*'])(service)) return;

    const unknown = unknownNames(rule.match, catalog, subjects);
    for (const { at: where, message } of unknown) report(errors, where, message);
    if (unknown.length === 0) {
      // What an earlier rule takes comes free when it expires: a rule of today's incident shadows none.
      const lasting = earlier.filter(({ expires }) => (expiryOf(expires) ?? Infinity) >= at);
      const verdict = reachOf(rule, { policy, catalog, kinds, earlier: lasting, service });
      for (const { at: where, message } of verdict.errors) report(errors, where, message);
      for (const { at: where, message } of verdict.warnings) report(warnings, where, message);
    }
    earlier.push(rule);
  });
  if (isIdle(policy, kinds)) {
    warnings.push({
      path: ['sampling', 'rate'],
      message: `samples nothing: only reads are sampled, and the level ${policy.level} keeps none`,
    });
  }
  return { errors, warnings };
}

interface Finding {
  readonly at: Path;
  readonly message: string;
}
interface Findings {
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}
const refused = (at: Path, message: string): Findings => ({
  errors: [{ at, message }],
  warnings: [],
});

interface Setting {
  readonly policy: Policy;
  readonly catalog: Catalog;
  readonly kinds: readonly Kind[];
  readonly earlier: readonly Rule[];
  readonly service: string | undefined;
}

/** What one rule can come to: the kinds it matches, less those that steps before it take. */
function reachOf(rule: Rule, { policy, catalog, kinds, earlier, service }: Setting): Findings {
  const { match, action } = rule;
  const matching = (of: Rule['match'], { subject, outcome }: Kind): boolean =>
    matchesKind(of, subject, outcome, service);

  if (action === 'sample') {
    const never = match.outcome?.filter((outcome) => rateFor(outcome, 0) === 1) ?? [];
    if (never.length > 0) {
      return refused(
        ['match', 'outcome'],
        `names ${never.join(' and ')}: failures and denials are never sampled`,
      );
    }
  }
  const named = kinds.filter((kind) => matching(match, kind));
  const undeclared = freeFormOf(catalog, match);
  const freeForm = undeclared.some((one) => !one.protected);
  if (named.length === 0 && undeclared.length === 0) {
    return refused(['match'], `can never match: no type ${inWords(match)}`);
  }
  const guarded =
    named.find(({ subject }) => subject.protected)?.subject.type ??
    undeclared.find((one) => one.protected)?.name;
  if (action !== 'keep' && guarded !== undefined && (match.category ?? match.type) !== undefined) {
    const where: Path = ['match', match.type === undefined ? 'category' : 'type'];
    return refused(where, `matches ${guarded}, which is protected: no rule can silence it`);
  }
  const unguarded = named.filter(({ subject }) => !subject.protected);
  const open = unguarded.filter((kind) => isOpen(policy, kind));
  if (open.length === 0 && !freeForm) {
    if (unguarded.length === 0) {
      return refused(['match'], 'can never match: all that it names is protected and skips rules');
    }
    return refused(
      ['match'],
      `can never match: the level ${policy.level} or an exclusion takes all that it names before`,
    );
  }
  const shadow = shadowOf(rule, earlier, open, freeForm, matching);
  if (shadow !== undefined) return refused(['match'], `can never match: ${shadow}`);
  const idle =
    action === 'sample' && !freeForm && open.every(({ outcome }) => rateFor(outcome, 0) === 1);
  const warning = {
    at: ['rate'],
    message: `samples nothing: the level ${policy.level} leaves only failures and denials of it`,
  };
  return { errors: [], warnings: idle ? [warning] : [] };
}

/** Whether a kind gets as far as the rules. */
function isOpen({ enabled, level, exclude }: Policy, { subject, outcome }: Kind): boolean {
  if (!enabled) return true;
  const excluded = matcherOf(exclude.actions);
  return (
    passesLevel(level, subject.operation, outcome) &&
    ![subject.type, ...subject.aliases].some(excluded)
  );
}

/** Which earlier rules leave nothing over; undefined when something is left. */
function shadowOf(
  rule: Rule,
  earlier: readonly Rule[],
  open: readonly Kind[],
  freeForm: boolean,
  matching: (match: Rule['match'], kind: Kind) => boolean,
): string | undefined {
  const whole = earlier.find(({ match }) => coversWhole(match, rule.match));
  if (whole !== undefined) return `the rule "${whole.id}" above takes everything that it matches`;
  if (freeForm) return undefined;
  const takers = earlier.filter(({ match }) => coversFacts(match, rule.match));
  const used = new Set<string>();
  for (const kind of open) {
    const taker = takers.find(({ match }) => matching(match, kind));
    if (taker === undefined) return undefined;
    used.add(`"${taker.id}"`);
  }
  return `the rules above take everything that it matches: ${[...used].join(', ')}`;
}

function inWords({ category, type, operation }: Rule['match']): string {
  const parts = [
    category && `of the category ${category.join(' or ')}`,
    type && `is named ${type.join(' or ')}`,
    operation && `has the operation ${operation.join(' or ')}`,
  ].filter((part) => part !== undefined);
  return parts.join(' and ') || 'is declared';
}

/** Reads are to be sampled, and there are none. */
const isIdle = (policy: Policy, kinds: readonly Kind[]): boolean =>
  policy.sampling.rate < 1 &&
  !kinds.some(
    ({ subject, outcome }) =>
      !subject.protected &&
      passesLevel(policy.level, subject.operation, outcome) &&
      rateFor(outcome, generalRate(policy, subject.operation)) < 1,
  );
