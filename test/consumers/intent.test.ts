import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeMetadata,
  encodeIdle,
  encodeIntent,
  fitsMetadata,
  MAX_ACCUSATIONS,
  type Intent,
  MAX_METADATA_BYTES,
} from '../../consumers/intent.ts';
import { decodeOffsets, encodeOffsets, rangesOf } from '../../consumers/offset-ranges.ts';
import { TOPIC_ID } from './messages.ts';

const base = fc.oneof(fc.constant(0), fc.nat(1_000_000), fc.integer({ min: 0, max: 2 ** 50 }));
const relative = fc.uniqueArray(fc.oneof(fc.nat(60), fc.nat(2_000_000)), { maxLength: 200 });
const ascending = (offsets: readonly number[]): number[] => [...offsets].sort((a, b) => a - b);

const intents: fc.Arbitrary<Intent> = fc
  .record({
    first: base,
    span: fc.nat(1_000_000),
    rows: fc.nat(1_000_000),
    hash: fc.stringMatching(/^[\w-]{16}$/),
    bad: relative,
  })
  .map(({ first, span, rows, hash, bad }) => {
    const last = first + span;
    const inside = ascending(bad.map((offset) => first + offset)).filter((at) => at <= last);
    return { topicId: TOPIC_ID, first, last, rows, hash, bad: inside };
  });

describe('a set of offsets as text', () => {
  it('comes back as it was, ascending', () => {
    fc.assert(
      fc.property(base, relative, (from, offsets) => {
        const absolute = offsets.map((offset) => from + offset);
        expect(decodeOffsets(encodeOffsets(absolute, from), from)).toEqual(ascending(absolute));
      }),
    );
  });

  it('makes ranges that hold each offset once and do not touch', () => {
    fc.assert(
      fc.property(relative, (offsets) => {
        const ranges = rangesOf([...offsets, ...offsets]);
        const held = ranges.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        );
        expect(held).toEqual(ascending(offsets));
        const gaps = ranges.slice(1).map(({ first }, index) => first - (ranges[index]?.last ?? 0));
        expect(gaps.every((gap) => gap > 1)).toBe(true);
      }),
    );
  });

  it('is short for what lies together: ten thousand bad messages in a row take a few bytes', () => {
    const run = Array.from({ length: 10_000 }, (_, index) => 5_000_000_000 + index);
    expect(encodeOffsets(run, 5_000_000_000)).toBe('0-7pr');
  });

  it.each([
    ['a sign', '-1'],
    ['an empty part', '1..2'],
    ['a range backwards', '5-2'],
    ['offsets that go back', '5.2'],
    ['ranges that overlap', '0-5.3-9'],
    ['capital letters', 'A'],
    ['a range too long to be a batch', '0-zzzzzz'],
    [
      'ranges that together are too long',
      `0-${(6e6).toString(36)}.${(7e6).toString(36)}-${(12e6).toString(36)}`,
    ],
    ['an offset beyond what Kafka has', 'zzzzzzzzzzz'],
    ['white space', ' 1'],
  ])('refuses %s', (_, text) => {
    expect(decodeOffsets(text, 0)).toBeUndefined();
  });
});

const whole = { v: 1, topicId: TOPIC_ID, end: 9, rows: 5, hash: 'h' };

describe('the intent beside the committed offset (R-DLV-01)', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(intents, fc.nat(MAX_ACCUSATIONS), (intent, accusations) => {
        expect(decodeMetadata(encodeIntent(intent, accusations), intent.first)).toEqual({
          kind: 'intent',
          topicId: TOPIC_ID,
          accusations,
          intent,
        });
      }),
    );
  });

  it('fits exactly when the broker would take it', () => {
    const wide = fc.uniqueArray(fc.nat(1_000_000), { minLength: 500, maxLength: 1_500 });
    fc.assert(
      fc.property(wide, (bad) => {
        const intent = {
          topicId: TOPIC_ID,
          first: 0,
          last: 1_000_000,
          rows: 9,
          hash: 'h',
          bad: ascending(bad),
        };
        const bytes = Buffer.byteLength(encodeIntent(intent, MAX_ACCUSATIONS));
        expect(fitsMetadata(intent)).toBe(bytes <= MAX_METADATA_BYTES);
      }),
      { numRuns: 50 },
    );
    expect(MAX_METADATA_BYTES).toBe(4096);
  });

  it('always fits for a batch of one message, however far its offset', () => {
    const first = Number.MAX_SAFE_INTEGER - 1;
    const single = { topicId: TOPIC_ID, first, last: first, rows: 1, hash: 'x'.repeat(16) };
    expect(fitsMetadata({ ...single, bad: [first] })).toBe(true);
  });

  it('is absent between batches, and says so with the topic it belongs to', () => {
    expect(decodeMetadata(encodeIdle(TOPIC_ID, 3), 5)).toEqual({
      kind: 'idle',
      topicId: TOPIC_ID,
      accusations: 3,
    });
  });

  it('counts from nothing beside what an earlier version has written', () => {
    for (const metadata of [encodeIdle(TOPIC_ID), JSON.stringify(whole)]) {
      expect(decodeMetadata(metadata, 5)).toMatchObject({ accusations: 0 });
    }
  });

  it.each([
    ['null', null],
    ['nothing', ''],
  ])('is none of ours where the offset was set by hand: %s', (_, metadata) => {
    expect(decodeMetadata(metadata, 5)).toEqual({ kind: 'none' });
  });

  it.each([
    ['no JSON', 'consumer-1'],
    ['JSON of another kind', '[1]'],
    ['null', 'null'],
    ['a later version', JSON.stringify({ ...whole, v: 2 })],
    ['no version', JSON.stringify({ ...whole, v: undefined })],
    ['no topic', JSON.stringify({ ...whole, topicId: undefined })],
    ['no hash', JSON.stringify({ ...whole, hash: undefined })],
    ['no rows', JSON.stringify({ ...whole, rows: undefined })],
    ['an end before its beginning', JSON.stringify({ ...whole, end: 4 })],
    ['an end that is no whole number', JSON.stringify({ ...whole, end: 9.5 })],
    ['damaged bad offsets', JSON.stringify({ ...whole, bad: '1..2' })],
    ['bad offsets of another kind', JSON.stringify({ ...whole, bad: [5] })],
    ['bad offsets behind its end', JSON.stringify({ ...whole, bad: '0.5' })],
    ['a count that is none', JSON.stringify({ ...whole, accusations: -1 })],
    ['half of itself', JSON.stringify(whole).slice(0, 30)],
  ])('is not guessed at when it cannot be read: %s', (_, metadata) => {
    expect(decodeMetadata(metadata, 5)).toEqual({ kind: 'unreadable' });
  });
});
