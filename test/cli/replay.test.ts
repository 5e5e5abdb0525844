import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtInCatalog } from '../../cli/emit/built-in-catalog.ts';
import { Replay } from '../../cli/policy/replay.ts';
import { explain } from '../../producers/policy/index.ts';
import { policySchema, type Rule } from '../../schemas/index.ts';
import { event, NOW_MS, policy } from '../producers/policy/arbitrary-policy.ts';
import { factsOf } from '../producers/policy/compiled.ts';

describe('R-EDGE-07: a replay', () => {
  test('counts what the steps one after the other keep, for any policy and events', () => {
    // Shares are counted as they would come out on average: rates of 0 and 1 come out exactly.
    const certain = policy.map((given) => ({
      ...given,
      sampling: { ...given.sampling, rate: Math.round(given.sampling.rate) },
      limits: {},
      rules: given.rules.flatMap((rule): Rule[] => {
        if (rule.action === 'limit') return [];
        return rule.action === 'sample' ? [{ ...rule, rate: Math.round(rule.rate) }] : [rule];
      }),
    }));
    fc.assert(
      fc.property(certain, fc.array(event, { maxLength: 20 }), (given, events) => {
        const replay = new Replay(given, { catalog: builtInCatalog, nowMs: NOW_MS });
        let kept = 0;
        for (const { subject, outcome, facts } of events) {
          // The ledger knows no aliases, and what is protected by its category.
          const stored = { ...subject, aliases: [], protected: false };
          const all = factsOf(stored, { ...facts, actor: facts.actor ?? { type: '', id: '' } });
          if (explain(given, all, outcome, { service: 'panel', nowMs: NOW_MS }).kept) kept += 1;
          replay.add({
            category: stored.category,
            event_type: stored.type,
            operation: stored.operation,
            outcome,
            severity: facts.severity,
            service: 'panel',
            tenant_id: facts.tenant,
            actor_type: all.actor?.type ?? '',
            actor_id: all.actor?.id ?? '',
            target_type: facts.targetType ?? '',
            stored: 1,
            happened: 1,
            bytes: 100,
          });
        }
        const replayed = replay.result(10);
        const sum = replayed.reduce((all, one) => all + one.replayed.events, 0);
        expect(sum).toBe(kept);
        const storage = replayed.reduce((all, one) => all + one.today.storage, 0);
        expect(storage).toBeCloseTo(events.length * 10);
      }),
    );
  });

  test('fills the buckets of limits second by second', () => {
    const given = policySchema.parse({
      version: 1,
      limits: { default: { events: 10, seconds: 10, per: 'tenant' } },
    });
    const replay = new Replay(given, { catalog: builtInCatalog, nowMs: NOW_MS });
    for (let second = 0; second < 60; second += 1) {
      for (const tenant_id of ['loud', 'quiet']) {
        const happened = tenant_id === 'loud' ? 100 : 1;
        replay.add({
          second,
          tenant_id,
          category: 'app',
          event_type: 'app.created',
          operation: 'create',
          outcome: 'success',
          stored: happened,
          happened,
          bytes: happened,
        });
      }
    }
    const [app] = replay.result(1);
    // The loud one: a full bucket of 10, and 1 a second; the quiet one: all of its 60.
    expect(app?.replayed.events).toBe(10 + 59 + 60);
  });
});
