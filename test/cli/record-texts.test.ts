import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RecordText, recordTexts } from '../../cli/import/record-texts.ts';
import { linesOf } from '../../cli/lines.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

async function read(text: string, size = 64): Promise<RecordText[]> {
  const found: RecordText[] = [];
  for await (const one of recordTexts(inPieces(text, size))) found.push(one);
  return found;
}

const valuesOf = (found: readonly RecordText[]): unknown[] =>
  found.map((one) => ('bytes' in one ? (JSON.parse(one.bytes.toString()) as unknown) : one.fault));

const records = fc.array(
  fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { minKeys: 1, noNullPrototype: true }),
  { maxLength: 8 },
);

describe('R-ASK-09: the records of a CloudTrail file', () => {
  it.each([
    ['a CloudTrail file', (list: unknown[]) => JSON.stringify({ Records: list })],
    ['one laid out for people', (list: unknown[]) => JSON.stringify({ Records: list }, null, 2)],
    ['a bare list', (list: unknown[]) => JSON.stringify(list)],
    ['a byte order mark in front', (list: unknown[]) => `\ufeff${JSON.stringify(list)}`],
    ['one record per line', (list: unknown[]) => list.map((one) => JSON.stringify(one)).join('\n')],
  ])('are all found, whatever is in them: %s', async (_, write) => {
    await fc.assert(
      fc.asyncProperty(records, fc.integer({ min: 32, max: 200 }), async (list, size) => {
        // JSON has no -0.
        const expected = JSON.parse(JSON.stringify(list)) as unknown[];
        expect(valuesOf(await read(write(list), size))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('a broken record spoils neither the one before nor the one after', async () => {
    const found = await read('{"Records":[{"a":1},{"b" 2},{"c":3}]}');
    expect(found.map((one) => one.index)).toEqual([1, 2, 3]);
    expect('bytes' in (found[1] ?? {}) && found[1]).toMatchObject({ index: 2 });
    expect(valuesOf([found[0], found[2]].filter((one) => one !== undefined))).toEqual([
      { a: 1 },
      { c: 3 },
    ]);
  });

  it('a file that was cut off says so, behind the records that are whole', async () => {
    const found = await read('{"Records":[{"a":1},{"b":');
    expect(valuesOf(found)).toEqual([
      { a: 1 },
      'is cut off: the file ends within its list of records',
    ]);
  });

  it('a record laid out over many lines is one record', async () => {
    expect(valuesOf(await read(JSON.stringify({ eventID: 'x', a: [1, 2] }, null, 2)))).toEqual([
      { eventID: 'x', a: [1, 2] },
    ]);
  });

  it('an empty file and an empty list have none', async () => {
    expect(await read('')).toEqual([]);
    expect(await read('{"Records":[]}')).toEqual([]);
  });
});

describe('lines of input', () => {
  it('are numbered with the blank ones, and one that is too long is not held', async () => {
    const found: unknown[] = [];
    for await (const line of linesOf(inPieces(`a\n\r\n${'b'.repeat(50)}\nc`, 7), 20)) {
      found.push(
        'bytes' in line ? [line.number, line.bytes.toString()] : [line.number, 'too long'],
      );
    }
    expect(found).toEqual([
      [1, 'a'],
      [3, 'too long'],
      [4, 'c'],
    ]);
  });
});
