import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Limits } from '../../../producers/policy/limits.ts';
import { RateLimit } from '../../../producers/policy/rate-limit.ts';
import { policySchema, type LimitKey } from '../../../schemas/index.ts';
import { factsOf, subjectOf } from './compiled.ts';

const subject = subjectOf();
const by = (id: string) => factsOf(subject, { actor: { type: 'user', id } });

function limitAt(events: number, seconds: number, per?: LimitKey[]) {
  const clock = { ms: 0 };
  const limit = new RateLimit('busy', { events, seconds, per }, () => clock.ms);
  return { clock, limit };
}

describe('R-EDGE-07, R-EDGE-10: rate limits', () => {
  test('in no stretch of time does more pass than the bucket holds and refills', () => {
    const steps = fc.array(fc.nat(500), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), steps, (events, waits) => {
        const { clock, limit } = limitAt(events, 1);
        const passedAt: number[] = [];
        for (const wait of waits) {
          clock.ms += wait;
          if (limit.admits(by('u_1'))) passedAt.push(clock.ms);
        }
        for (const [from, start] of passedAt.entries()) {
          for (const [offset, end] of passedAt.slice(from).entries()) {
            const refilled = ((end - start) * events) / 1000;
            expect(offset + 1).toBeLessThanOrEqual(Math.floor(events + refilled + 1e-6));
          }
        }
      }),
    );
  });

  test('each key has a bucket of its own; without keys there is one for all', () => {
    const { limit } = limitAt(1, 60, ['actor']);
    expect([by('a'), by('b'), by('a'), by('b')].map((facts) => limit.admits(facts))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const all = limitAt(1, 60).limit;
    expect([by('a'), by('b')].map((facts) => all.admits(facts))).toEqual([true, false]);
  });

  test('keys of several parts do not run into each other', () => {
    const { limit } = limitAt(1, 60, ['tenant', 'actor']);
    const facts = (tenant: string, id: string) =>
      factsOf(subject, { tenant, actor: { type: 'user', id } });
    expect(limit.admits(facts('a', 'b'))).toBe(true);
    expect(limit.admits(facts('ab', ''))).toBe(true);
    expect(limit.admits(facts('a', 'b'))).toBe(false);
  });

  test('memory is bounded however many keys come', () => {
    const { limit } = limitAt(1, 3_600, ['actor']);
    for (let n = 0; n < 50_000; n += 1) limit.admits(by(`u_${n}`));
    expect(limit.keys).toBeLessThanOrEqual(10_000);
    expect(limit.admits(by('u_49999'))).toBe(false);
  });

  test('one report when it begins to shed and one when it ended, with how many', () => {
    const policy = (events: number) =>
      policySchema.parse({ version: 1, limits: { default: { events, seconds: 3_600 } } });
    const limits = new Limits();
    limits.use(policy(1));
    const limit = limits.of('limits.default');
    const startMs = performance.now();
    limit?.admits(by('a'));
    expect(limits.reports()).toEqual([]);
    for (let n = 0; n < 5; n += 1) limit?.admits(by('a'));
    expect(limits.reports()).toMatchObject([{ rule: 'limits.default' }]);
    expect(limits.reports()).toEqual([]);
    expect(limits.reports(false, startMs + 60_000)).toMatchObject([{ ended: { events: 5 } }]);
    expect(limits.reports(false, startMs + 60_000)).toEqual([]);
  });

  test('a policy that leaves a limit as it is leaves its buckets; a changed one begins anew', () => {
    const policy = (events: number) =>
      policySchema.parse({ version: 1, limits: { default: { events, seconds: 3_600 } } });
    const limits = new Limits();
    limits.use(policy(1));
    expect(limits.of('limits.default')?.admits(by('a'))).toBe(true);
    limits.use(policy(1));
    expect(limits.of('limits.default')?.admits(by('a'))).toBe(false);
    limits.use(policy(2));
    expect(limits.of('limits.default')?.admits(by('a'))).toBe(true);
    expect(limits.reports()).toMatchObject([
      { rule: 'limits.default' },
      { rule: 'limits.default', ended: { events: 1 } },
    ]);
  });
});
