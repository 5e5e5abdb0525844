import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanJson } from '../../../consumers/quarantine/json-scan.ts';

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('where a text stops being JSON', () => {
  it.each([
    ['{"a":1,}', 7, 'a key in quotes'],
    ['{"a" 1}', 5, 'a colon'],
    ['{"a":1 "b":2}', 7, 'a comma or }'],
    ['[1 2]', 3, 'a comma or ]'],
    ['{"a":tru}', 5, 'a value'],
    ['{"a":01}', 6, 'a comma or }'],
    ['{"a":"x', 7, 'the string does not end'],
    ['{"a":"\\x"}', 6, 'no such escape'],
    ['{"a":"\n"}', 6, 'a control character'],
    ['{"a":1}{"a":2}', 7, 'behind the value'],
    ['', 0, 'the text ends'],
    ['nonsense', 0, 'a value'],
  ])('%s: at %i', (text, at, problem) => {
    expect(scanJson(text)).toEqual({ at, problem: expect.stringContaining(problem) as string });
  });

  it('stops at the depth that the worker reads', () => {
    const deep = `${'['.repeat(1_100)}${']'.repeat(1_100)}`;
    expect(scanJson(deep)).toMatchObject({ at: 1_001, problem: 'deeper than 1000 levels' });
  });

  it('agrees with JSON.parse on every text, whole, cut or with a character changed', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 1 }), (json, at, character) => {
        const where = at % (json.length + 1);
        const changed = json.slice(0, where) + character + json.slice(where + 1);
        for (const text of [json, json.slice(0, where), changed]) {
          expect(scanJson(text) === undefined).toBe(parses(text));
        }
      }),
    );
  });

  it('points at the fault, or at the number, word or escape that it breaks off', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, at) => {
        const where = at % (json.length + 1);
        const text = `${json.slice(0, where)}\u0001`;
        const fault = scanJson(text);
        expect(text.slice(fault?.at, -1)).toMatch(/^[\w.+\-\\]*$/);
      }),
    );
  });

  it('tells every value with its path and place', () => {
    const text = ' {"a":{"b":[1,"x"]},"a":2}';
    const seen: [string, string][] = [];
    scanJson(text, ({ path, start, end }) => seen.push([path.join('.'), text.slice(start, end)]));
    expect(seen).toEqual([
      ['a.b.0', '1'],
      ['a.b.1', '"x"'],
      ['a.b', '[1,"x"]'],
      ['a', '{"b":[1,"x"]}'],
      ['a', '2'],
      ['', text.trim()],
    ]);
  });
});
