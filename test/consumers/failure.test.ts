import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClickHouseError, ClickHouseUnreachable } from '../../clickhouse/index.ts';
import { classify } from '../../consumers/failure.ts';

const refused = (engineCode: number, more: { row?: number; retryable?: boolean } = {}) =>
  new ClickHouseError(
    'CLICKHOUSE_REFUSED',
    `refused with ${engineCode}`,
    { engineCode, ...(more.row === undefined ? {} : { row: more.row }) },
    { retryable: more.retryable ?? false, hint: 'look it up' },
  );

describe('what an error of the engine means (R-DLV-02, R-DLV-03)', () => {
  it.each([
    ['a value that cannot be parsed', refused(72, { row: 4 }), 'content'],
    ['a duplicate or unknown key', refused(117, { row: 4 }), 'content'],
    ['a duplicate or unknown key, the row unnamed', refused(117), 'content'],
    ['an unknown key inside a tuple', refused(10), 'content'],
    ['a violated constraint', refused(469, { row: 4 }), 'content'],
    ['garbage behind an address', refused(632, { row: 4 }), 'content'],
    ['any other code that names a row', refused(9_999, { row: 4 }), 'content'],
    [
      'memory that ran out while reading a row',
      refused(241, { row: 4, retryable: true }),
      'outage',
    ],
    ['a lease that has run out', refused(395), 'lease'],
    ['a missing table', refused(60), 'configuration'],
    ['a missing database', refused(81), 'configuration'],
    ['a missing column', refused(16), 'configuration'],
    ['a wrong password', refused(516), 'configuration'],
    ['a missing right', refused(497), 'configuration'],
    ['too many partitions in one insert', refused(252), 'configuration'],
    ['too many parts', refused(252, { retryable: true }), 'outage'],
    ['too many queries at once', refused(202, { retryable: true }), 'outage'],
    ['a full disk', refused(243, { retryable: true }), 'outage'],
    ['a read-only replica', refused(242, { retryable: true }), 'outage'],
    ['no answer', new ClickHouseUnreachable('http://127.0.0.1:1', 'refused'), 'outage'],
    [
      'an answer of something else',
      new ClickHouseError(
        'CLICKHOUSE_HTTP_ERROR',
        'HTTP 502',
        { httpStatus: 502 },
        { retryable: true, hint: '' },
      ),
      'outage',
    ],
    ['a fault of ours', new TypeError('x is not a function'), 'outage'],
    ['something that is no error', 'gone', 'outage'],
  ])('%s', (_, error, kind) => {
    expect(classify(error).kind).toBe(kind);
  });

  it('names the row that the engine named', () => {
    expect(classify(refused(117, { row: 4 }))).toMatchObject({ kind: 'content', row: 4 });
    expect(classify(refused(10))).toMatchObject({ kind: 'content', row: undefined });
  });

  it('knows an answer for every code, and quarantines nothing for a code that passes by itself', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_100 }),
        fc.option(fc.integer({ min: 1 })),
        (code, row) => {
          const kinds = [true, false].map(
            (retryable) =>
              classify(refused(code, { retryable, ...(row === null ? {} : { row }) })).kind,
          );
          expect(['content', 'lease', 'configuration', 'outage']).toContain(kinds[0]);
          expect(['content', 'lease', 'configuration', 'outage']).toContain(kinds[1]);
        },
      ),
    );
    for (const transient of [
      159, 202, 203, 209, 210, 236, 241, 242, 243, 252, 285, 319, 439, 999,
    ]) {
      expect(classify(refused(transient, { retryable: true, row: 1 })).kind).toBe('outage');
    }
  });
});
