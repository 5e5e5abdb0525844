import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closingBrace } from '../../consumers/framing.ts';

const brace = (text: string | Buffer): number => closingBrace(Buffer.from(text));
const hostile = fc.constantFrom(
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  '\n',
  '\0',
  '\\u0022',
  'é',
  '\ud83d',
);
const text = fc.string({ unit: fc.oneof(fc.string({ minLength: 1, maxLength: 1 }), hostile) });
const object = fc.dictionary(text, fc.jsonValue({ stringUnit: text }), { maxKeys: 5 });
const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 });

describe('exactly one object (R-DLV-02)', () => {
  it.each([
    ['the empty object', '{}', 1],
    ['white space around it', ' \t\r\n{"a":1} \n', 10],
    ['nesting', '{"a":{"b":[{"c":[]}]}}', 21],
    ['brackets inside strings', '{"a":"}]{["}', 11],
    ['an escaped quote', '{"a":"\\"}"}', 10],
    ['an escaped backslash before the closing quote', '{"a":"\\\\"}', 9],
    ['a unicode escape', '{"a":"\\u0022}"}', 14],
    ['a line break inside a string', '{"a":"\n"}', 8],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xc3, 0x22, 0x7d]), 5],
  ])('takes %s', (_, message, at) => {
    expect(brace(message)).toBe(at);
  });

  it.each([
    ['nothing', ''],
    ['white space', ' \n '],
    ['an array', '[{"a":1}]'],
    ['a string', '"{}"'],
    ['a number', '1'],
    ['two objects', '{"a":1}{"a":2}'],
    ['two objects with a comma between', '{"a":1},{"a":2}'],
    ['two objects on two lines', '{"a":1}\n{"a":2}'],
    ['two objects with a semicolon between', '{"a":1};{"a":2}'],
    ['something behind it', '{"a":1}x'],
    ['a NUL behind it', '{"a":1}\0'],
    ['a comma behind it', '{"a":1},'],
    ['a byte order mark before it', '\ufeff{"a":1}'],
    ['white space that JSON does not know', '\v{"a":1}'],
    ['an unterminated string', '{"a":"}'],
    ['a string that ends in its escape', '{"a":"\\"}'],
    ['a missing brace', '{"a":{"b":1}'],
    ['one brace too many', '{"a":1}}'],
    ['brackets that do not match', '{"a":[1}]'],
    ['brackets closed crosswise', '{"a":[{"b":1]}}'],
    ['a quote among the four digits of \\u', '{"a":"\\u00"2"}'],
    ['a brace among the four digits of \\u', '{"a":"\\u}}}}"}'],
    ['\\u with too few digits', '{"a":"\\u12"}'],
    ['\\u at the very end', '{"a":"\\u'],
    ['a backslash outside strings', '{"a":\\{}}'],
    ['an escaped quote outside strings', '{"data":{\\"}}\n{"data":{"a":"\\"","b":1}}'],
  ])('refuses %s', (_, message) => {
    expect(brace(message)).toBe(-1);
  });

  it('goes as deep as the engine and no deeper', () => {
    const deep = (levels: number): string => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);
    expect(brace(deep(1_000))).toBe(deep(1_000).length - 1);
    expect(brace(deep(1_001))).toBe(-1);
    expect(brace(`{"a":${'['.repeat(200_000)}`)).toBe(-1);
  });

  it('takes whatever JSON.stringify makes of an object, and points at its closing brace', () => {
    fc.assert(
      fc.property(object, space, space, fc.boolean(), (value, before, after, pretty) => {
        const json = JSON.stringify(value, undefined, pretty ? 2 : 0);
        const bytes = Buffer.from(before + json + after);
        expect(closingBrace(bytes)).toBe(Buffer.byteLength(before + json) - 1);
      }),
      { numRuns: 500 },
    );
  });

  it('never takes two of them, whatever stands between', () => {
    const between = fc.oneof(space, fc.constantFrom(',', ';', '\0', '\ufeff', ' , '));
    fc.assert(
      fc.property(object, object, between, (one, other, gap) => {
        expect(brace(JSON.stringify(one) + gap + JSON.stringify(other))).toBe(-1);
      }),
      { numRuns: 500 },
    );
  });

  it('never takes a part of one', () => {
    fc.assert(
      fc.property(object, fc.double({ min: 0, max: 1, noNaN: true }), (value, share) => {
        const bytes = Buffer.from(JSON.stringify(value));
        expect(closingBrace(bytes.subarray(0, Math.floor(share * (bytes.length - 1))))).toBe(-1);
      }),
      { numRuns: 500 },
    );
  });
});
