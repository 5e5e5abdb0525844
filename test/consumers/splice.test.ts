import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { insertBody } from '../../consumers/splice.ts';
import { INSERT_COLUMNS } from '../../schemas/index.ts';
import { ledgerSelect } from '../../consumers/ledger-select.ts';
import { batchOf, message, ORIGIN, TOPIC_ID } from './messages.ts';

const OWED: ReadonlySet<string> = new Set(INSERT_COLUMNS);
const json = fc.dictionary(
  fc.string({ minLength: 1 }).filter((key) => !OWED.has(key)),
  fc.jsonValue(),
  { minKeys: 1 },
);

function linesOf(
  messages: Parameters<typeof batchOf>[0],
  mended: ReadonlyMap<number, Buffer> = new Map(),
): Record<string, unknown>[] {
  const { rows } = batchOf(messages);
  const body = Buffer.concat([...insertBody(rows, mended)]).toString();
  if (body === '') return [];
  expect(body.endsWith('}\n')).toBe(true);
  return body
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the body of an insert (R-DLV-01)', () => {
  it('is, line by line, the message with the columns that only the worker knows', () => {
    fc.assert(
      fc.property(
        fc.array(json, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 2 ** 50 }),
        fc.integer({ min: -(2 ** 40), max: 2 ** 42 }),
        fc.constantFrom('', ' ', '\t \t'),
        (values, first, timestamp, space) => {
          const lines = linesOf(
            values.map((value, index) =>
              message(first + index, space + JSON.stringify(value) + space, {
                timestamp: String(timestamp + index),
              }),
            ),
          );
          expect(lines).toEqual(
            values.map((value, index) => ({
              ...(JSON.parse(JSON.stringify(value)) as object),
              kafka_offset: first + index,
              kafka_timestamp: timestamp + index,
            })),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([['-1'], ['0'], ['999'], ['1795000000123'], ['253402300799999']])(
    'writes Kafka’s timestamp %s as it is',
    (timestamp) => {
      const [line] = linesOf([message(0, '{"a":1}', { timestamp })]);
      expect(line?.['kafka_timestamp']).toBe(Number(timestamp));
    },
  );

  it.each([
    ['9223372036854775807', '9999-12-31T23:59:59.999Z'],
    ['-9223372036854775808', '0000-01-01T00:00:00.000Z'],
  ])('writes timestamp %s, which is no date, as the nearest that is', (timestamp, nearest) => {
    const [line] = linesOf([message(0, '{"a":1}', { timestamp })]);
    expect(line?.['kafka_timestamp']).toBe(Date.parse(nearest));
  });

  it('takes mended rows in the place of what came', () => {
    const messages = [0, 1, 2].map((offset) => message(offset, `{"a":${offset}}`));
    const lines = linesOf(messages, new Map([[1, Buffer.from('{"b":"mended"}')]]));
    expect(lines.map(({ a, b }) => a ?? b)).toEqual([0, 'mended', 2]);
    expect(lines[1]).toMatchObject({ kafka_offset: 1 });
  });

  it('comes in pieces that need no more memory than they hold, whatever the sizes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(300), fc.nat(700_000)), { minLength: 1, maxLength: 12 }),
        (lengths) => {
          const messages = lengths.map((length, offset) =>
            message(offset, JSON.stringify({ a: 'x'.repeat(length) })),
          );
          const { rows } = batchOf(messages);
          const pieces = [...insertBody(rows, new Map())];
          const largest = Math.max(256 * 1024, ...lengths) + 1024;
          for (const piece of pieces) {
            expect(piece.length).toBeGreaterThan(0);
            expect(piece.buffer.byteLength).toBeLessThanOrEqual(largest);
          }
          const lines = Buffer.concat(pieces).toString().trimEnd().split('\n');
          expect(lines.map((line) => (JSON.parse(line) as { a: string }).a.length)).toEqual(
            lengths,
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is empty for no rows', () => {
    expect([...insertBody([], new Map())]).toEqual([]);
  });
});

describe('the SELECT of an insert (R-DLV-01)', () => {
  it('fills every column that the rows do not bring, once for all of them', () => {
    const select = ledgerSelect(ORIGIN, 1_795_000_060, 2);
    const listed = select.slice('SELECT '.length, select.indexOf(' FROM input')).split(', ');
    expect(listed).toHaveLength(INSERT_COLUMNS.length);
    expect(
      Object.fromEntries(listed.map((said, index) => [INSERT_COLUMNS[index], said])),
    ).toMatchObject({
      actor_id: 'actor_id',
      kafka_topic: "'audit.events'",
      kafka_topic_id: `toUUID('${TOPIC_ID}')`,
      kafka_partition: 'toUInt32(3)',
      kafka_offset: 'kafka_offset',
      lease: 'toUInt32(1795000060)',
    });
  });

  it('escapes the topic', () => {
    const select = ledgerSelect({ ...ORIGIN, topic: "a'b\\c" }, 1, 1);
    expect(select).toContain("'a\\'b\\\\c'");
  });
});
