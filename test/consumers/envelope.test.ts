import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  envelopeSize,
  type MessageHeaders,
  readEnvelope,
  writeEnvelope,
} from '../../consumers/envelope.ts';

function roundTrip(key: Buffer | null, headers: MessageHeaders | undefined) {
  const size = envelopeSize(key, headers);
  const bytes = Buffer.alloc(size + 7);
  const end = writeEnvelope(bytes, 7, key, headers);
  expect(end - 7).toBeLessThanOrEqual(size);
  return readEnvelope(bytes.subarray(7, end));
}

const word = fc.string({ unit: 'grapheme', maxLength: 20 });
const name = fc.oneof(word, fc.constantFrom('ll-id', '__proto__', 'toString', 'constructor', ''));
const value = fc.oneof(
  word,
  word.map((text) => Buffer.from(text)),
);
const given = fc.uniqueArray(fc.tuple(name, fc.oneof(value, fc.array(value, { minLength: 1 }))), {
  selector: ([header]) => header,
  maxLength: 8,
});

describe('what came around a message (R-DLV-02)', () => {
  it('comes back as it was; of a header given twice, the last', () => {
    fc.assert(
      fc.property(fc.option(word), given, (key, entries) => {
        const headers = Object.fromEntries(entries) as MessageHeaders;
        const read = roundTrip(key === null ? null : Buffer.from(key), headers);
        expect(read.key).toBe(key ?? '');
        expect(new Map(Object.entries(read.headers))).toEqual(
          new Map(
            entries.map(([header, one]) => [header, String(Array.isArray(one) ? one.at(-1) : one)]),
          ),
        );
      }),
    );
  });

  it('knows messages without headers', () => {
    expect(roundTrip(null, undefined)).toEqual({ key: '', headers: {} });
  });

  it('takes a header without a value, which Kafka allows', () => {
    expect(
      roundTrip(null, { empty: null, none: undefined, both: [null, Buffer.from('x')] }),
    ).toEqual({ key: '', headers: { empty: '', none: '', both: 'x' } });
  });

  it('takes what kafkajs makes of a header that is named like a method of every object', () => {
    const method = () => 'of every object';
    const asDecoded = { toString: [method, Buffer.from('v')] };
    const read = roundTrip(null, asDecoded as unknown as MessageHeaders);
    expect(Object.entries(read.headers)).toEqual([['toString', 'v']]);
  });

  it('takes a name longer than any sane one', () => {
    const long = 'n'.repeat(70_000);
    expect(roundTrip(null, { [long]: 'v' }).headers).toEqual({ [long]: 'v' });
  });
});
