import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { insertBody } from '../../consumers/splice.ts';
import { INSERT_COLUMNS } from '../../schemas/index.ts';
import { batchOf, message, ORIGIN, TOPIC_ID, WIRE_ROW } from './messages.ts';

const LEASE = 1_795_000_060;
const OWED: ReadonlySet<string> = new Set(INSERT_COLUMNS);
const json = fc.dictionary(
  fc.string({ minLength: 1 }).filter((key) => !OWED.has(key)),
  fc.jsonValue(),
  { minKeys: 1 },
);

function linesOf(
  messages: Parameters<typeof batchOf>[0],
  mended: ReadonlyMap<number, Buffer> = new Map(),
  origin: typeof ORIGIN | { topic: string; topicId: string; partition: number } = ORIGIN,
): Record<string, unknown>[] {
  const { rows } = batchOf(messages);
  const body = Buffer.concat([...insertBody(rows, origin, LEASE, mended)]).toString();
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
              kafka_topic: 'audit.events',
              kafka_topic_id: TOPIC_ID,
              kafka_partition: 3,
              kafka_offset: first + index,
              kafka_timestamp: timestamp + index,
              lease: LEASE,
            })),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('brings the lease in every row, so that no row can bring its own', () => {
    const lines = linesOf([0, 1, 2].map((offset) => message(offset, '{"a":1}')));
    expect(lines.map(({ lease }) => lease)).toEqual([LEASE, LEASE, LEASE]);
  });

  it.each([['-1'], ['0'], ['999'], ['1795000000123'], ['253402300799999']])(
    'writes Kafka’s timestamp %s as it is',
    (timestamp) => {
      const [line] = linesOf([message(0, '{"a":1}', { timestamp })]);
      expect(line?.['kafka_timestamp']).toBe(Number(timestamp));
    },
  );

  it('fills every column that the worker owes the table', () => {
    const [line] = linesOf([message(0, JSON.stringify(WIRE_ROW))]);
    for (const column of INSERT_COLUMNS.slice(INSERT_COLUMNS.indexOf('kafka_topic'))) {
      expect(line).toHaveProperty(column);
    }
  });

  it('takes mended rows in the place of what came', () => {
    const messages = [0, 1, 2].map((offset) => message(offset, `{"a":${offset}}`));
    const lines = linesOf(messages, new Map([[1, Buffer.from('{"b":"mended"}')]]));
    expect(lines.map(({ a, b }) => a ?? b)).toEqual([0, 'mended', 2]);
    expect(lines[1]).toMatchObject({ kafka_offset: 1, lease: LEASE });
  });

  it('escapes the topic', () => {
    const origin = { topic: 'a"b\\c', topicId: TOPIC_ID, partition: 0 };
    const [line] = linesOf([message(0, '{"a":1}')], new Map(), origin);
    expect(line?.['kafka_topic']).toBe('a"b\\c');
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
          const pieces = [...insertBody(rows, ORIGIN, LEASE, new Map())];
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
    expect([...insertBody([], ORIGIN, LEASE, new Map())]).toEqual([]);
  });
});
