import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { murmur3 } from '../../../producers/policy/murmur3.ts';
import { isSampled, samplingKey } from '../../../producers/policy/sampling.ts';
import { uuidv7, type PolicyDocument } from '../../../schemas/index.ts';
import { decided, subjectOf } from './compiled.ts';

describe('R-EDGE-05: sampling', () => {
  // The published test vectors of MurmurHash3_x86_32 with seed 0; ClickHouse's murmurHash3_32 agrees.
  test.each([
    ['', 0],
    ['a', 0x3c2569b2],
    ['abc', 0xb3dd93fa],
    ['Hello, world!', 0xc0363e43],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
    ['ππππππππ', 0xec72b6e8],
  ])('the hash of %j is MurmurHash3’s', (text, hash) => {
    expect(murmur3(text)).toBe(hash);
  });

  // What ClickHouse answers: SELECT murmurHash3_32('aé').
  test.each([
    ['é', 0x10110787],
    ['aé', 0x031a0ccf],
    ['abé', 0xcf3a077c],
    ['abcé', 0xcca13541],
    ['abcdé', 0xe4012811],
    ['abcdeé', 0x1df48ab9],
    ['a界', 0x6798098f],
    ['abc界', 0x2d425ba7],
    ['😀', 0xbeb42efa],
    ['ab😀', 0x352f858b],
    ['request-界-7', 0x397452fe],
  ])('%j is hashed as UTF-8, wherever its first character beyond ASCII is', (text, hash) => {
    expect(murmur3(text)).toBe(hash);
  });

  test('what is kept at one rate is kept at every higher one', () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.string(), rate, rate, (key, one, other) => {
        const [low, high] = one < other ? [one, other] : [other, one];
        expect(!isSampled(key, low) || isSampled(key, high)).toBe(true);
      }),
    );
    expect(isSampled('anything', 1)).toBe(true);
    expect(isSampled('anything', 0)).toBe(false);
  });

  test('the correlation id decides, else the trace id in either case, else the event’s own', () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const id = '0190d1c4-0000-7000-8000-000000000000';
    expect(samplingKey({ correlationId: 'req_1', traceId, id })).toBe('req_1');
    expect(samplingKey({ correlationId: '', traceId: traceId.toUpperCase(), id })).toBe(traceId);
    expect(samplingKey({ correlationId: undefined, traceId: undefined, id })).toBe(id);
  });

  test.each([0.5, 0.1, 0.01])(
    'at %d the weights add up to what happened, within what chance allows',
    (rate) => {
      const policy: PolicyDocument = {
        version: 1,
        level: 'all',
        sampling: { rate, of: 'reads' },
      };
      const reads = 20_000;
      const subject = subjectOf({ operation: 'read' });
      let sum = 0;
      for (let n = 0; n < reads; n += 1) {
        const decision = decided(policy, subject, 'success', { id: uuidv7() });
        if (!decision.kept) continue;
        expect(decision.stamp.weight).toBe(1 / rate);
        sum += decision.stamp.weight ?? 0;
      }
      // Five standard deviations of a binomial, scaled by the weight: one run in three million fails.
      const bound = (5 * Math.sqrt(reads * rate * (1 - rate))) / rate;
      expect(Math.abs(sum - reads)).toBeLessThan(bound);
    },
  );

  test('events of one request stay together, also under different types', () => {
    const policy: PolicyDocument = { version: 1, level: 'all', sampling: { rate: 0.5, of: 'all' } };
    for (let n = 0; n < 100; n += 1) {
      const fields = { correlationId: `req_${n}` };
      const [read, update] = (['read', 'update'] as const).map((operation) =>
        decided(policy, subjectOf({ operation }), 'success', { ...fields, id: uuidv7() }),
      );
      expect(read?.kept).toBe(update?.kept);
    }
  });

  test('only reads are sampled unless all are asked for; failures and denials never', () => {
    const policy: PolicyDocument = { version: 1, level: 'all', sampling: { rate: 0 } };
    const kept = (operation: 'read' | 'update', outcome: 'success' | 'failure' | 'denied') =>
      decided(policy, subjectOf({ operation }), outcome).kept;
    expect(kept('read', 'success')).toBe(false);
    expect(kept('read', 'failure')).toBe(true);
    expect(kept('read', 'denied')).toBe(true);
    expect(kept('update', 'success')).toBe(true);
  });
});
