import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Asked } from '../../../clickhouse/search/ask.ts';
import { parseQuery } from '../../../clickhouse/search/parse.ts';
import { resolve } from '../../../clickhouse/search/resolve.ts';
import { type InOrder, type Stretch, stretchesOf } from '../../../clickhouse/search/stretches.ts';

const nowMs = Date.parse('2026-11-23T10:30:00Z');
const HOUR = 3_600_000_000;
const ID = '019ab000-0000-7000-8000-0000000000aa';

function wanted(
  query: string,
  {
    tenants = ['acme'],
    held = false,
    ...more
  }: Partial<InOrder> & { readonly tenants?: string[]; readonly held?: boolean } = {},
): InOrder {
  const asked: Asked = {
    condition: resolve(parseQuery(query), { nowMs, timeZone: 'UTC' }),
    tenants,
    nowMs,
    timeZone: 'UTC',
    classes: { standard: 90 },
    expiredBefore: {},
    held,
  };
  return { asked, order: 'newest', limit: 51, ...more };
}

/** All stretches, when each of them holds what `found` says. */
function walk(request: InOrder, found: (index: number) => number): Stretch[] {
  const stretches: Stretch[] = [];
  const walking = stretchesOf(request);
  for (let next = walking.next(0); !next.done;) {
    stretches.push(next.value);
    next = walking.next(found(stretches.length - 1));
  }
  return stretches;
}

describe('R-ASK-01: the stretches of time that a page looks in', () => {
  it('leave nothing out and overlap nowhere, in either order, whatever they hold', () => {
    const micros = nowMs * 1000;
    fc.assert(
      fc.property(
        fc.constantFrom('', 'since:7d', 'until:2d', 'since:60d until:3d', 'target:app/app-7'),
        fc.constantFrom('newest' as const, 'oldest' as const),
        fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined }),
        fc.array(fc.nat(60), { minLength: 12, maxLength: 12 }),
        (query, order, hoursAgo, found) => {
          const after =
            hoursAgo === undefined ? undefined : { micros: micros - hoursAgo * HOUR, id: ID };
          const request = wanted(query, { order, after });
          const stretches = walk(request, (index) => found[index] ?? 0);
          const ordered = order === 'newest' ? stretches.toReversed() : stretches;
          for (const [index, { from, before }] of ordered.entries()) {
            expect(before).toBe(ordered[index + 1]?.from ?? before);
            expect(from).toBe(index === 0 ? from : ordered[index - 1]?.before);
          }
          const one = walk(request, () => 0);
          const whole = order === 'newest' ? one.toReversed() : one;
          expect([ordered[0]?.from, ordered.at(-1)?.before]).toEqual([
            whole[0]?.from,
            whole.at(-1)?.before,
          ]);
          expect(stretches.length).toBeLessThan(12);
        },
      ),
    );
  });

  it('begin with the last hour, of one tenant with 64, and go as far as what was found lets expect', () => {
    const reaches = (stretches: readonly Stretch[]): number[] =>
      stretches.map(({ from }) => (from === undefined ? Infinity : (nowMs * 1000 - from) / HOUR));
    const two = { tenants: ['acme', 'globex'] };
    expect(reaches(walk(wanted('', two), () => 0))).toEqual([1, 16, 256, Infinity]);
    expect(reaches(walk(wanted('', two), () => 25)).slice(0, 3)).toEqual([1, 3.06, 6.12]);
    expect(reaches(walk(wanted('target:app/app-7', two), () => 0))).toEqual([64, Infinity]);
    expect(reaches(walk(wanted('target:app/app-7'), () => 0))).toEqual([240, Infinity]);
    expect(reaches(walk(wanted('target:app/app-7', { held: true }), () => 0))[0]).toBe(64);
    expect(reaches(walk(wanted('', { held: true }), () => 0))[0]).toBe(1);
    expect(reaches(walk(wanted(''), () => 25))).toEqual([64, 195.84, 391.68, 783.36, Infinity]);
  });

  it('look for an id around the time that it tells, and only then everywhere', () => {
    const at = Number.parseInt('019ab0000000', 16) * 1000;
    const near = { from: at - 24 * HOUR, before: at + 24 * HOUR };
    expect(walk(wanted(`id:${ID}`), () => 1)).toEqual([near]);
    expect(walk(wanted(`id:${ID}`), () => 0)).toEqual([
      near,
      { from: undefined, before: nowMs * 1000 + 24 * HOUR },
    ]);
    const random = 'id:0c9fd2a1-51a6-4c1b-9d6e-0d2b6c1f7a10';
    expect(walk(wanted(random), () => 0)[0]?.before).toBe(nowMs * 1000 + 24 * HOUR);
  });
});
