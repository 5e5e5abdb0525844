import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTraceparent } from '../../../producers/context/traceparent.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

describe('R-REC-09: traceparent, as W3C Trace Context says', () => {
  test('version 00', () => {
    const read = { traceId: TRACE, parentId: PARENT, sampled: true };
    expect(parseTraceparent(`00-${TRACE}-${PARENT}-01`)).toEqual(read);
    expect(parseTraceparent(`00-${TRACE}-${PARENT}-00`)).toEqual({ ...read, sampled: false });
    expect(parseTraceparent(`00-${TRACE}-${PARENT}-ff`)).toEqual(read);
  });

  test('of a later version the first four fields count', () => {
    expect(parseTraceparent(`01-${TRACE}-${PARENT}-01`)?.traceId).toBe(TRACE);
    expect(parseTraceparent(`cc-${TRACE}-${PARENT}-01-what-the-future-brings`)?.traceId).toBe(
      TRACE,
    );
  });

  test.each([
    ['version ff', `ff-${TRACE}-${PARENT}-01`],
    ['all-zero trace id', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['all-zero parent id', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a fifth field in version 00', `00-${TRACE}-${PARENT}-01-more`],
    ['text behind the flags of a later version', `cc-${TRACE}-${PARENT}-01.more`],
    ['capital letters', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ['a short trace id', `00-${TRACE.slice(1)}-${PARENT}-01`],
    ['a letter that is no digit', `00-${TRACE.replace('a', 'g')}-${PARENT}-01`],
    ['missing flags', `00-${TRACE}-${PARENT}`],
    ['space around it', ` 00-${TRACE}-${PARENT}-01`],
    ['several headers in one', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
    ['no header', undefined],
    ['a list', [`00-${TRACE}-${PARENT}-01`]],
    ['a very long one', `cc-${TRACE}-${PARENT}-01-${'x'.repeat(10_000)}`],
  ])('%s is none', (_, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  test('whatever it is given, it answers with a valid id or none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.anything()), (header) => {
        const traceId = parseTraceparent(header)?.traceId ?? TRACE;
        expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      }),
    );
  });
});
