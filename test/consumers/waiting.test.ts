import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, pause } from '../../consumers/backoff.ts';
import { Slots } from '../../consumers/slots.ts';

describe('the time before the next attempt (R-DLV-03)', () => {
  it('lies between 50 ms and 15 s, and under a cap that doubles', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, luck) => {
          const ms = backoffMs(attempt, () => luck);
          expect(ms).toBeGreaterThanOrEqual(50);
          expect(ms).toBeLessThanOrEqual(15_000);
          expect(ms).toBeLessThanOrEqual(Math.max(50, 200 * 2 ** attempt));
        },
      ),
    );
  });

  it('is spread out, so that workers do not come back all at once', () => {
    const waits = new Set(Array.from({ length: 50 }, () => backoffMs(10)));
    expect(waits.size).toBeGreaterThan(25);
  });

  it('ends early when there is nothing to wait for any more', async () => {
    const over = new AbortController();
    const waiting = pause(3_600_000, over.signal);
    over.abort();
    await expect(waiting).resolves.toBeUndefined();
    await expect(pause(3_600_000, over.signal)).resolves.toBeUndefined();
  });
});

describe('slots', () => {
  it('let no more run at once than there are, and each in its turn', async () => {
    const slots = new Slots(2);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        slots.use(async () => {
          order.push(index);
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
        }),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('are free again after work that failed', async () => {
    const slots = new Slots(1);
    const failing = slots.use(() => Promise.reject(new Error('no')));
    const next = slots.use(() => Promise.resolve('done'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('done');
    expect(await slots.use(() => Promise.resolve('again'))).toBe('again');
  });
});
