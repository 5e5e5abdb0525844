import { describe, expect, test } from 'vitest';
import { matcherOf } from '../../../producers/policy/patterns.ts';
import {
  LEVELS,
  OPERATIONS,
  OUTCOMES,
  type Level,
  type Operation,
  type Outcome,
  type PolicyDocument,
} from '../../../schemas/index.ts';
import { causeOf, decided, subjectOf } from './compiled.ts';

const OPERATION_NAMES = Object.keys(OPERATIONS) as Operation[];
const OUTCOME_NAMES = Object.keys(OUTCOMES) as Outcome[];

/** The operations that each level keeps when they succeed. */
const KEPT: Readonly<Record<Level, string>> = {
  all: 'unknown create read update delete execute export',
  writes_only: 'unknown create update delete execute export',
  mutations_only: 'update delete',
  deletes_only: 'delete',
  failures_only: '',
};

/** What must be said of an event, from DESIGN's words and not from the code. */
function expected(
  level: Level,
  operation: Operation,
  outcome: Outcome,
  isProtected: boolean,
): string {
  if (isProtected || outcome === 'denied') return 'keep';
  if (level === 'failures_only') return outcome === 'failure' ? 'keep' : 'level';
  return KEPT[level].split(' ').includes(operation) ? 'keep' : 'level';
}

describe('R-EDGE-02: every level × operation × outcome × protected', () => {
  const table = LEVELS.flatMap((level) =>
    OPERATION_NAMES.flatMap((operation) =>
      OUTCOME_NAMES.flatMap((outcome) =>
        [false, true].map((isProtected) => ({ level, operation, outcome, isProtected })),
      ),
    ),
  );

  test.each(table)(
    '$level, $operation, $outcome, protected $isProtected',
    ({ level, operation, outcome, isProtected }) => {
      const subject = subjectOf({ operation, protected: isProtected });
      const decision = decided({ version: 1, level }, subject, outcome);
      expect(causeOf(decision)).toBe(expected(level, operation, outcome, isProtected));
      expect(decision.kept ? decision.stamp : { level, weight: 1 }).toEqual({ level, weight: 1 });
    },
  );
});

describe('R-EDGE-01, -03, -07: the order of the steps', () => {
  const excluding: PolicyDocument = { version: 1, exclude: { actions: ['*'], resources: ['*'] } };
  const about = { owner: 'platform', reason: 'a test', expires: 'never' } as const;
  const dropAll = { ...about, id: 'drop-all', match: { type: '*' }, action: 'drop' } as const;
  const app = { targetType: 'app' };

  test('the kill switch comes before protection', () => {
    const subject = subjectOf({ protected: true });
    expect(causeOf(decided({ version: 1, enabled: false }, subject, 'denied'))).toBe('disabled');
  });

  test('protected types skip level, exclusions, rules and sampling', () => {
    const strict: PolicyDocument = {
      ...excluding,
      level: 'deletes_only',
      sampling: { rate: 0, of: 'all' },
      rules: [dropAll],
    };
    for (const outcome of OUTCOME_NAMES) {
      expect(causeOf(decided(strict, subjectOf({ protected: true }), outcome, app))).toBe('keep');
    }
  });

  test('level, excluded action, excluded resource, rule, sampling: each before the next', () => {
    const all: PolicyDocument = {
      version: 1,
      level: 'deletes_only',
      exclude: { actions: ['app.*'], resources: ['app'] },
      sampling: { rate: 0, of: 'all' },
      rules: [dropAll],
    };
    const cause = (policy: PolicyDocument, outcome: Outcome = 'success') =>
      causeOf(decided(policy, subjectOf(), outcome, app));
    expect(cause(all)).toBe('level');
    expect(cause({ ...all, level: 'all' })).toBe('excluded_action');
    expect(cause({ ...all, level: 'all', exclude: { resources: ['a*'] } })).toBe(
      'excluded_resource',
    );
    const open: PolicyDocument = { ...all, level: 'all', exclude: {} };
    expect(cause(open)).toBe('rule');
    expect(cause({ ...open, rules: [] })).toBe('sampled_out');
    expect(cause({ ...open, rules: [] }, 'failure')).toBe('keep');
    expect(cause({ ...open, rules: [] }, 'denied')).toBe('keep');
  });

  test('an excluded action is a type or any of its aliases', () => {
    for (const action of ['app.env_var.updated', 'env_changed', 'app.*', '*_changed', '*']) {
      const policy: PolicyDocument = { version: 1, exclude: { actions: [action] } };
      expect(causeOf(decided(policy, subjectOf(), 'success'))).toBe('excluded_action');
    }
    const other: PolicyDocument = {
      version: 1,
      exclude: { actions: ['app.env_var', 'appXenv_var*'] },
    };
    expect(causeOf(decided(other, subjectOf(), 'success'))).toBe('keep');
  });

  test('the first rule that matches decides, and its id is on the event and on the receipt', () => {
    const first = {
      ...about,
      id: 'keep-acme',
      match: { tenant: 'acme' },
      action: 'keep',
    } as const;
    const policy: PolicyDocument = {
      version: 1,
      sampling: { rate: 0, of: 'all' },
      rules: [first, dropAll],
    };
    expect(decided(policy, subjectOf(), 'success', { tenant: 'acme' })).toMatchObject({
      kept: true,
      stamp: { level: 'writes_only', rule: 'keep-acme', weight: 1 },
    });
    expect(decided(policy, subjectOf(), 'success', { tenant: 'other' })).toMatchObject({
      kept: false,
      receipt: { status: 'filtered', cause: 'rule', rule: 'drop-all' },
    });
  });

  test('a receipt is shared and frozen', () => {
    const of = () => decided({ version: 1, level: 'deletes_only' }, subjectOf(), 'success');
    const [one, other] = [of(), of()];
    if (one.kept || other.kept) throw new Error('it was kept');
    expect(one.receipt).toBe(other.receipt);
    expect(Object.isFrozen(one.receipt)).toBe(true);
  });
});

describe('patterns', () => {
  test.each([
    ['gateway.*', 'gateway.tool.invoked', true],
    ['gateway.*', 'gatewayXtool', false],
    ['*.viewed', 'app.viewed', true],
    ['a*c', 'abc\nabc', true],
    ['a**c', 'abc', true],
    ['ab*ba', 'aba', false],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['*a*', 'bab', true],
    ['a.c', 'abc', false],
    ['(a|b)+$', '(a|b)+$', true],
    ['', 'x', false],
  ])('%s against %s: %s', (pattern, name, matches) => {
    expect(matcherOf([pattern])(name)).toBe(matches);
  });

  test('take time in proportion to the name, whatever it is made of', () => {
    const matches = matcherOf(['*a*a*a*a*a*a*a*a*b']);
    const started = performance.now();
    expect(matches('a'.repeat(100_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(200);
  });
});
