import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uuidv5, uuidv7 } from '../../schemas/index.ts';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const timeOf = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16);

describe('UUIDv7 (RFC 9562, section 5.7)', () => {
  test('has version, variant and the time of its making', () => {
    const before = Date.now();
    const id = uuidv7();
    expect(id).toMatch(V7);
    expect(timeOf(id)).toBeGreaterThanOrEqual(before);
  });

  test('grows over more ids in one millisecond than its counter holds', () => {
    const now = Date.now() + 10_000;
    const ids = Array.from({ length: 20_000 }, () => uuidv7(now));
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    expect(timeOf(ids.at(-1) ?? '') - now).toBeLessThan(20);
  });

  test('grows when the clock steps back', () => {
    const later = uuidv7(Date.now() + 60_000);
    const earlier = uuidv7(Date.now());
    expect(earlier > later).toBe(true);
  });

  test('a clock with fractions of a millisecond harms neither its id nor those after it', () => {
    const now = Date.now() + 120_000;
    expect(uuidv7(now + 0.75)).toMatch(V7);
    expect(uuidv7(now + 1)).toMatch(V7);
  });

  test('property: grows under any clock', () => {
    let last = '';
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 44 }), (now) => {
        const id = uuidv7(now);
        expect(id).toMatch(V7);
        expect(id > last).toBe(true);
        last = id;
      }),
    );
  });
});

describe('UUIDv5 (RFC 9562, section 5.5)', () => {
  test('agrees with the RFC’s example', () => {
    const dns = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    expect(uuidv5(dns, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });

  test('refuses a namespace that is no UUID', () => {
    expect(() => uuidv5('dns', 'x')).toThrow(TypeError);
  });
});
