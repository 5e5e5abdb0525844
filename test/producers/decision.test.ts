import { describe, expect, test } from 'vitest';
import { decide, policyOf, verdictsOf, type Subject } from '../../producers/policy/decision.ts';
import { matcherOf } from '../../producers/policy/patterns.ts';
import { passesLevel } from '../../producers/policy/level.ts';
import { LEVELS, OPERATIONS, OUTCOMES, type Operation, type Outcome } from '../../schemas/index.ts';

const OPERATION_NAMES = Object.keys(OPERATIONS) as Operation[];
const OUTCOME_NAMES = Object.keys(OUTCOMES) as Outcome[];

const everything = {
  enabled: true,
  level: 'all',
  excludeActions: [],
  excludeResources: [],
} as const;
const subject: Subject = {
  type: 'app.env_var.updated',
  aliases: ['env_changed'],
  operation: 'update',
  protected: false,
};

describe('R-EDGE-02: levels', () => {
  // The operations each level keeps when they succeed; a failure changes only failures_only.
  test.each([
    ['all', 'unknown create read update delete execute export'],
    ['writes_only', 'unknown create update delete execute export'],
    ['mutations_only', 'update delete'],
    ['deletes_only', 'delete'],
    ['failures_only', ''],
  ] as const)('%s keeps: %s', (level, kept) => {
    for (const operation of OPERATION_NAMES) {
      const expected = kept.split(' ').includes(operation);
      expect(passesLevel(level, operation, 'success')).toBe(expected);
      expect(passesLevel(level, operation, 'unknown')).toBe(expected);
      expect(passesLevel(level, operation, 'failure')).toBe(level === 'failures_only' || expected);
    }
  });

  test('what was denied passes every level, reads too', () => {
    for (const level of LEVELS) {
      for (const operation of OPERATION_NAMES) {
        expect(passesLevel(level, operation, 'denied')).toBe(true);
      }
    }
  });

  test('a read that merely failed does not pass writes_only', () => {
    expect(passesLevel('writes_only', 'read', 'failure')).toBe(false);
  });
});

describe('the order of the steps', () => {
  const excluding = { excludeActions: ['*'], excludeResources: ['*'] };

  test('R-EDGE-01: the kill switch comes before protection', () => {
    const off = policyOf({ ...everything, enabled: false });
    expect(decide(off, { ...subject, protected: true }, 'denied', 'app')).toBe('disabled');
  });

  test('protected types skip level and exclusions', () => {
    const strict = policyOf({ ...everything, ...excluding, level: 'deletes_only' });
    for (const outcome of OUTCOME_NAMES) {
      expect(decide(strict, { ...subject, protected: true }, outcome, 'app')).toBe('keep');
    }
  });

  test('the level comes before exclusions, and actions before resources', () => {
    const strict = policyOf({ ...everything, ...excluding, level: 'deletes_only' });
    expect(decide(strict, subject, 'success', 'app')).toBe('level');
    expect(decide(strict, subject, 'denied', 'app')).toBe('excluded_action');
    const resources = policyOf({ ...everything, excludeResources: ['app'] });
    expect(decide(resources, subject, 'success', 'app')).toBe('excluded_resource');
    expect(decide(resources, subject, 'success', undefined)).toBe('keep');
  });

  test('R-EDGE-03: an excluded action matches a type or any of its aliases', () => {
    for (const action of ['app.env_var.updated', 'env_changed', 'app.*', '*_changed', '*']) {
      const policy = policyOf({ ...everything, excludeActions: [action] });
      expect(decide(policy, subject, 'success', 'env_var')).toBe('excluded_action');
    }
    const other = policyOf({ ...everything, excludeActions: ['app.env_var', 'appXenv_var*'] });
    expect(decide(other, subject, 'success', 'env_var')).toBe('keep');
  });

  test('verdicts looked up are verdicts decided', () => {
    for (const level of LEVELS) {
      for (const operation of OPERATION_NAMES) {
        const policy = policyOf({ ...everything, level });
        const verdicts = verdictsOf(policy, { ...subject, operation });
        for (const outcome of OUTCOME_NAMES) {
          expect(verdicts[outcome]).toBe(
            decide(policy, { ...subject, operation }, outcome, undefined),
          );
        }
      }
    }
  });
});

describe('patterns', () => {
  test.each([
    ['gateway.*', 'gateway.tool.invoked', true],
    ['gateway.*', 'gatewayXtool', false],
    ['*.viewed', 'app.viewed', true],
    ['a*c', 'abc\nabc', true],
    ['a**c', 'abc', true],
    ['a.c', 'abc', false],
    ['(a|b)+$', '(a|b)+$', true],
    ['', 'x', false],
  ])('%s against %s: %s', (pattern, name, expected) => {
    expect(matcherOf([pattern])(name)).toBe(expected);
  });
});
