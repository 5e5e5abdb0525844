import { describe, expect, it } from 'vitest';
import { placeOfFault, rejudge, type Standards } from '../../../consumers/quarantine/rejudge.ts';
import { WIRE_ROW } from '../messages.ts';

const standards: Standards = {
  expiry: { nowMs: Date.parse('2026-11-23T00:00:00Z'), daysOf: () => 90 },
  maxMessageBytes: 100_000,
};
const row = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({ ...WIRE_ROW, ...changes });

describe('a message judged again', () => {
  it('passes when it would be stored today, also with keys of a newer SDK', () => {
    expect(rejudge(Buffer.from(row()), standards)).toBeUndefined();
    expect(rejudge(Buffer.from(row({ brand_new: 1 })), standards)).toBeUndefined();
  });

  /** Message, reason, what stands at the fault, its pointer. */
  const faults: readonly [string, string, string, string, string | undefined][] = [
    ['text that is no JSON', '{"a":1,}', 'not_json', '}', undefined],
    ['a second object', `${row()}{}`, 'not_one_object', '{', undefined],
    ['a number', '5', 'not_one_object', '5', undefined],
    ['a key twice', row().replace('{', '{"weight":2,'), 'duplicate_keys', '"weight":', '/weight'],
    ['a column of ours', row({ kafka_offset: 1 }), 'forged', '"kafka_offset":1', '/kafka_offset'],
    ['a newer version', row({ wire_version: 2 }), 'future_version', '2,', '/wire_version'],
    ['a bad value', row({ weight: -1 }), 'invalid', '-1', '/weight'],
    [
      'a bad value deep down',
      row({ changes: [{ op: 'x', path: '' }] }),
      'invalid',
      '"x"',
      '/changes/0/op',
    ],
    [
      'an old event',
      row({ occurred_at: '2020-01-01T00:00:00Z' }),
      'expired',
      '"2020',
      '/occurred_at',
    ],
  ];
  it.each(faults)('is marked at %s', (_, text, reason, shown, pointer) => {
    const rejection = rejudge(Buffer.from(text), standards);
    expect(rejection?.reason).toBe(reason);
    const place = placeOfFault(text, rejection ?? { reason: 'invalid', error: '' });
    expect(text.slice(place?.start)).toMatch(new RegExp(`^${shown.replace(/[{}]/g, '\\$&')}`));
    expect(place?.pointer).toBe(pointer);
  });

  it('tells line and column as editors count them', () => {
    const text = '{\n  "a": 1,\n  "b": tru\n}';
    expect(placeOfFault(text, { reason: 'not_json', error: '' })).toMatchObject({
      line: 3,
      column: 8,
      problem: 'a value is due here',
    });
  });

  it('has no place where the fault is no place', () => {
    for (const [text, reason] of [
      ['', 'tombstone'],
      ['x'.repeat(100_001), 'too_large'],
      [row({ actor_id: undefined }), 'invalid'],
    ] as const) {
      const rejection = rejudge(Buffer.from(text), standards);
      expect(rejection?.reason).toBe(reason);
      expect(rejection && placeOfFault(text, rejection)).toBeUndefined();
    }
  });
});
