import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../../producers/policy/compile.ts';
import type { Facts } from '../../../producers/policy/decision.ts';
import { OWN_LIMITS } from '../../../producers/policy/ending.ts';
import { explain } from '../../../producers/policy/explain.ts';
import { RuleTallies } from '../../../producers/policy/rule-tally.ts';
import { expiryOf } from '../../../schemas/index.ts';
import { event, NOW_MS, policy } from './arbitrary-policy.ts';
import { factsOf } from './compiled.ts';

describe('R-EDGE-07: one order of decision', () => {
  test('what is compiled decides as the steps one after the other do, for any policy and event', () => {
    fc.assert(
      fc.property(policy, event, fc.boolean(), (given, { subject, outcome, facts }, hasRoom) => {
        const names = new Set(
          [
            given.limits.default && OWN_LIMITS.default,
            given.limits.protected && OWN_LIMITS.protected,
            ...given.rules.map(({ id, action }) => (action === 'limit' ? id : undefined)),
          ].filter((name) => name !== undefined),
        );
        const compiled = compile(given, {
          service: 'panel',
          rules: given.rules.filter(({ expires }) => (expiryOf(expires) ?? 0) > NOW_MS),
          limiters: {
            of: (name) => (names.has(name) ? { name, admits: () => hasRoom } : undefined),
          },
          tallies: new RuleTallies(),
        });
        const all: Facts = factsOf(subject, facts);
        const verdict = compiled.verdictsOf(subject)[outcome];
        const decision = verdict.decide(all);
        const meant = explain(given, all, outcome, {
          service: 'panel',
          nowMs: NOW_MS,
          hasRoom: () => hasRoom,
        });
        const { kept, cause, rule: by, weight } = meant;
        expect(
          decision.kept
            ? { kept: true, rule: decision.stamp.rule, weight: decision.stamp.weight }
            : { kept: false, cause: decision.receipt.cause, rule: decision.receipt.rule },
        ).toEqual(kept ? { kept, rule: by, weight } : { kept, cause, rule: by });
        expect(verdict.settled ?? decision).toEqual(decision);
      }),
      { numRuns: 5_000 },
    );
  });
});
