/** Messages as an attacker would write them: wire rows with a few bytes, tokens or values changed. */
import fc from 'fast-check';
import { WIRE_ROW } from './messages.ts';

/** What parsers of JSON have been seen to disagree about. */
const TOKENS = [
  ['"', '\\', '{', '}', '[', ']', ',', ':', ';', "'", '`', '#', '//', '/*', '*/', '(', ')'],
  ['\\"', '\\\\', '\\/', '\\x', '\\u', '\\u0022', '\\u007d', '\\ud800', '\\u"}}{', '\\N'],
  ['}{', '}\n{', '},{', '}}', '{}', '[]', '{"', '"}', '":', '{\\"}', '{"a":', '[{'],
  ['\n', '\r', '\t', '\v', '\f', '\0', ' ', '\u{feff}', '\u2028'],
  ['null', 'true', 'NaN', 'inf', '-', '+', 'e', '0', '1.', '1e9', '0x1'],
  ['"lease":1', '"kafka_offset":5', '"kafka\\u005foffset":5', '"data":{', '"attributes":{'],
].flat();
const RAW = [0x00, 0x80, 0x85, 0xa0, 0xc3, 0xe2, 0xf0, 0xfe, 0xff];

const SHORT = [
  {},
  { data: {} },
  { data: { a: 1 }, actor_id: 'x' },
  { attributes: { a: 'b' }, data: { x: [1, '}'] } },
  { changes: [{ op: 'add', path: 'p', old: '1' }] },
  { event_id: WIRE_ROW.event_id, source_ip: '::1', occurred_at: WIRE_ROW.occurred_at },
];

const token = fc.oneof(
  fc.constantFrom(...TOKENS).map((text) => Buffer.from(text)),
  fc.constantFrom(...RAW).map((byte) => Buffer.from([byte])),
  fc
    .array(fc.constantFrom('{', '}', '[', ']', '"', '\\', 'u', ',', ':', 'a', '1'), {
      minLength: 1,
      maxLength: 8,
    })
    .map((symbols) => Buffer.from(symbols.join(''))),
);
const place = fc.double({ min: 0, max: 1, noNaN: true });

type Edit = (bytes: Buffer) => Buffer;
const at = (bytes: Buffer, share: number): number => Math.floor(share * bytes.length);
const put = (bytes: Buffer, from: number, skip: number, what: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), what, bytes.subarray(from + skip)]);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(place, fc.nat(2), token).map(
    ([share, skip, what]): Edit =>
      (bytes) =>
        put(bytes, at(bytes, share), skip, what),
  ),
  // The same token twice, because a pair of them is what still looks balanced.
  fc.tuple(place, place, token).map(
    ([one, other, what]): Edit =>
      (bytes) =>
        put(
          put(bytes, at(bytes, Math.max(one, other)), 0, what),
          at(bytes, Math.min(one, other)),
          0,
          what,
        ),
  ),
  fc.tuple(place, place, fc.integer({ min: 1, max: 30 })).map(
    ([from, to, length]): Edit =>
      (bytes) =>
        put(bytes, at(bytes, to), 0, bytes.subarray(at(bytes, from), at(bytes, from) + length)),
  ),
  fc.tuple(place, fc.integer({ min: 1, max: 6 })).map(
    ([share, length]): Edit =>
      (bytes) =>
        put(bytes, at(bytes, share), length, Buffer.alloc(0)),
  ),
  // Right where a value begins: nested objects are read as text, by another part of the parser.
  fc
    .tuple(fc.constantFrom('data', 'attributes', 'changes', 'actor_id', 'event_id'), token)
    .map(([key, what]): Edit => (bytes) => {
      const found = bytes.indexOf(`"${key}":`);
      return found < 0 ? bytes : put(bytes, found + key.length + 3, 0, what);
    }),
);

/** Whole rows and short ones, edited once to four times. */
export const mutations: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom<object>(WIRE_ROW, ...SHORT),
    fc.array(edit, { minLength: 1, maxLength: 4 }),
  )
  .map(([row, edits]) =>
    edits.reduce<Buffer>((bytes, one) => one(bytes), Buffer.from(JSON.stringify(row))),
  );
