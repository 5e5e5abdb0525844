import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyChanges, invertChanges } from '../../../schemas/changes/apply-changes.ts';
import { changesBetween } from '../../../schemas/changes/changes-between.ts';
import { plainOf } from '../../../schemas/plain-value.ts';
import { decodeRow, encodeRow } from '../../../schemas/index.ts';

const NO_LIMIT = { maxChanges: 1e6, maxValueBytes: 1e9 };

describe('R-REC-05: what changed', () => {
  const now = new Date('2026-11-22T10:00:00Z');
  class Money {
    readonly cents: number;
    constructor(cents: number) {
      this.cents = cents;
    }
  }

  test.each<[string, unknown, unknown, unknown[]]>([
    ['nothing', { a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 }, []],
    ['a value', { a: 1 }, { a: 2 }, [{ op: 'replace', path: '/a', old: 1, new: 2 }]],
    ['a field comes', {}, { a: 1 }, [{ op: 'add', path: '/a', new: 1 }]],
    ['a field goes', { a: 1 }, {}, [{ op: 'remove', path: '/a', old: 1 }]],
    [
      'a nested field',
      { a: { b: { c: 1 } } },
      { a: { b: { c: 2 } } },
      [{ op: 'replace', path: '/a/b/c', old: 1, new: 2 }],
    ],
    ['another type', { a: '5' }, { a: 5 }, [{ op: 'replace', path: '/a', old: '5', new: 5 }]],
    [
      'an object becomes a list',
      { a: { 0: 'x' } },
      { a: ['x'] },
      [{ op: 'replace', path: '/a', old: { 0: 'x' }, new: ['x'] }],
    ],
    [
      'undefined is an absence',
      { a: undefined, b: 1 },
      { a: 1, b: undefined },
      [
        { op: 'add', path: '/a', new: 1 },
        { op: 'remove', path: '/b', old: 1 },
      ],
    ],
    [
      'null is a value',
      { a: null, c: null },
      { a: undefined, b: null, c: 0 },
      [
        { op: 'remove', path: '/a', old: null },
        { op: 'replace', path: '/c', old: null, new: 0 },
        { op: 'add', path: '/b', new: null },
      ],
    ],
    [
      'names with / and ~',
      { 'a/b': { '~': 1 } },
      { 'a/b': { '~': 2 } },
      [{ op: 'replace', path: '/a~1b/~0', old: 1, new: 2 }],
    ],
    [
      'a list grows',
      [1],
      [1, 2, 3],
      [
        { op: 'add', path: '/1', new: 2 },
        { op: 'add', path: '/2', new: 3 },
      ],
    ],
    [
      'a list shrinks, from its end',
      [1, 2, 3],
      [1],
      [
        { op: 'remove', path: '/2', old: 3 },
        { op: 'remove', path: '/1', old: 2 },
      ],
    ],
    [
      'dates',
      { a: now },
      { a: new Date(+now + 1) },
      [
        {
          op: 'replace',
          path: '/a',
          old: '2026-11-22T10:00:00.000Z',
          new: '2026-11-22T10:00:00.001Z',
        },
      ],
    ],
    ['equal dates', { a: now }, { a: new Date(now) }, []],
    ['BigInt', { a: 5n }, { a: 6n }, [{ op: 'replace', path: '/a', old: '5', new: '6' }]],
    ['NaN is NaN, and -0 is 0', { a: NaN, b: -0 }, { a: NaN, b: 0 }, []],
    ['NaN comes', { a: 1 }, { a: NaN }, [{ op: 'replace', path: '/a', old: 1, new: 'NaN' }]],
    [
      'a Map',
      { a: new Map([['x', 1]]) },
      {
        a: new Map([
          ['x', 2],
          ['y', 3],
        ]),
      },
      [
        { op: 'replace', path: '/a/x', old: 1, new: 2 },
        { op: 'add', path: '/a/y', new: 3 },
      ],
    ],
    [
      'a Set',
      { a: new Set([1, 2]) },
      { a: new Set([1, 3]) },
      [{ op: 'replace', path: '/a/1', old: 2, new: 3 }],
    ],
    [
      'class instances',
      { a: new Money(5) },
      { a: new Money(7) },
      [{ op: 'replace', path: '/a/cents', old: 5, new: 7 }],
    ],
    ['functions are no fields', { a: () => 1 }, { a: () => 2 }, []],
    ['a record comes', undefined, { a: 1 }, [{ op: 'add', path: '', new: { a: 1 } }]],
    ['a record goes', { a: 1 }, undefined, [{ op: 'remove', path: '', old: { a: 1 } }]],
  ])('%s', (_what, before, after, expected) => {
    expect(changesBetween(before, after)).toEqual(expected);
  });

  test('by a key field, items are told apart wherever they stand', () => {
    const before = {
      contacts: [
        { id: 1, n: 'a' },
        { id: 2, n: 'b' },
        { id: 3, n: 'c' },
      ],
    };
    const after = {
      contacts: [
        { id: 2, n: 'b' },
        { id: 3, n: 'C' },
        { id: 4, n: 'd' },
      ],
    };
    const expected = [
      { op: 'remove', path: '/contacts/0', old: { id: 1, n: 'a' } },
      { op: 'add', path: '/contacts/2', new: { id: 4, n: 'd' } },
      { op: 'replace', path: '/contacts/1/n', old: 'c', new: 'C' },
    ];
    expect(changesBetween(before, after, { arrays: { '/contacts': 'id' } })).toEqual(expected);
    expect(changesBetween(before, after, { arrays: 'id' })).toEqual(expected);
    expect(changesBetween(before, after, { arrays: { '/*': 'id' } })).toEqual(expected);
    expect(changesBetween(before, after, { arrays: 'n' }).length).toBeGreaterThan(2);
  });

  test('a list whose items do not all have the key is compared by index', () => {
    const options = { arrays: 'id' };
    expect(changesBetween([{ id: 1 }, {}], [{ id: 2 }, {}], options)).toEqual([
      { op: 'replace', path: '/0/id', old: 1, new: 2 },
    ]);
    expect(changesBetween([{ id: 1 }, { id: 1 }], [{ id: 1 }], options)).toEqual([
      { op: 'remove', path: '/1', old: { id: 1 } },
    ]);
  });

  test('what is ignored is not compared, nor anything below it', () => {
    const before = {
      updatedAt: 1,
      a: { updatedAt: 1, b: 1 },
      list: [{ seen: 1, n: 1 }],
      x: { y: 1 },
    };
    const after = {
      updatedAt: 2,
      a: { updatedAt: 2, b: 2 },
      list: [{ seen: 2, n: 2 }],
      x: { y: 2 },
    };
    expect(changesBetween(before, after, { ignore: ['updatedAt', '/list/*/seen', '/x'] })).toEqual([
      { op: 'replace', path: '/a/b', old: 1, new: 2 },
      { op: 'replace', path: '/list/0/n', old: 1, new: 2 },
    ]);
    expect(changesBetween(before, after, { ignore: ['/a/updatedAt', '/list', '/*/y'] })).toEqual([
      { op: 'replace', path: '/updatedAt', old: 1, new: 2 },
      { op: 'replace', path: '/a/b', old: 1, new: 2 },
    ]);
  });

  test('values are copies: the record may change before the event is emitted', () => {
    const after = { a: { b: 1 } };
    const changes = changesBetween({}, after);
    after.a.b = 2;
    expect(changes).toEqual([{ op: 'add', path: '/a', new: { b: 1 } }]);
  });
});

describe('limits: what is cut is said', () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`f${n}`, n]));

  test('the number of changes', () => {
    const changes = changesBetween({}, many, { maxChanges: 3 });
    expect(changes).toHaveLength(4);
    expect(changes.at(-1)).toEqual({ op: 'test', path: '', new: '[truncated] 17 further changes' });
    expect(() => applyChanges({}, changes)).toThrow('says that changes were cut');
  });

  test('long values', () => {
    const changes = changesBetween({ a: '' }, { a: 'x'.repeat(100) }, { maxValueBytes: 10 });
    expect(changes).toEqual([
      { op: 'replace', path: '/a', old: '', new: 'xxxxxxxx[truncated]' },
      { op: 'test', path: '', new: '[truncated] values at /a' },
    ]);
  });

  test('depth: what lies deeper is told as a whole', () => {
    const deep = (value: number) => ({ a: { b: { c: { d: value } } } });
    const changes = changesBetween(deep(1), deep(2), { maxDepth: 2 });
    expect(changes).toEqual([
      { op: 'replace', path: '/a/b', old: { c: { d: 1 } }, new: { c: { d: 2 } } },
    ]);
    expect(changesBetween(deep(1), deep(1), { maxDepth: 2 })).toEqual([]);
  });

  test('records without end', () => {
    const endless = (): object => ({ toJSON: () => ({ next: endless(), n: Math.random() }) });
    const cyclic = (value: number): object => {
      const record: Record<string, unknown> = { value };
      record['self'] = record;
      record['list'] = [record];
      return record;
    };
    expect(changesBetween(endless(), endless()).length).toBeLessThan(1000);
    expect(changesBetween(cyclic(1), cyclic(2))).toEqual([
      { op: 'replace', path: '/value', old: 1, new: 2 },
    ]);
    const wide = Array.from({ length: 600_000 }, (_, n) => n);
    const told = changesBetween(
      wide,
      wide.map((n) => n + 1),
    );
    expect(told.at(-1)).toMatchObject({ op: 'test' });
  });

  test('lists that throw, at once or later', () => {
    const list = (answers: number): unknown[] =>
      new Proxy([{ id: 1 }], {
        get: (target, key, receiver): unknown => {
          if (answers-- <= 0) throw new Error('boom');
          return Reflect.get(target, key, receiver);
        },
      });
    const other = [{ id: 2 }];
    expect(changesBetween(list(0), other)).toEqual([
      { op: 'replace', path: '', old: '[threw]', new: other },
    ]);
    for (let answers = 1; answers < 12; answers += 1) {
      expect(changesBetween(list(answers), other, { arrays: 'id' })).not.toEqual([]);
      expect(changesBetween({ a: other }, { a: list(answers) })).not.toEqual([]);
    }
  });

  test('records that throw', () => {
    const boom = (): never => {
      throw new Error('boom');
    };
    const proxy = new Proxy({}, { get: boom, ownKeys: boom, getOwnPropertyDescriptor: boom });
    const throwing = Object.defineProperty({ a: 1 }, 'b', { get: boom, enumerable: true });
    expect(changesBetween(throwing, { a: 1 })).toEqual([
      { op: 'remove', path: '/b', old: '[threw]' },
    ]);
    expect(changesBetween({ a: proxy }, { a: 1 })).toEqual([
      { op: 'replace', path: '/a', old: '[threw]', new: 1 },
    ]);
    expect(changesBetween({ a: { toJSON: boom } }, {})).toEqual([
      { op: 'remove', path: '/a', old: '[threw]' },
    ]);
  });
});

describe('R-ASK-02: applying and undoing', () => {
  /** Any record: also what JSON does not have. */
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withBoxedValues: true,
    withTypedArray: true,
    withSparseArray: true,
    withObjectString: true,
  });
  const field = fc.constantFrom('a', 'b', 'c', 'd/e', '~f', '__proto__', '', '0');
  const tree = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(0, 1, 'x', true, null, undefined, -0, NaN, 7n, new Date(0)),
      fc.dictionary(field, tie('tree'), { maxKeys: 5 }),
      fc.array(tie('tree'), { maxLength: 5 }),
    ),
  })).tree;
  const keyedList = fc.uniqueArray(
    fc.record({ id: fc.nat({ max: 8 }), value: tree }, { requiredKeys: ['id'] }),
    { selector: ({ id }) => id, maxLength: 8 },
  );

  /** Where the changes lead to from before, and where undoing them leads to from after. */
  const roundTrip = (before: unknown, after: unknown, arrays?: string) => {
    const changes = changesBetween(before, after, { ...NO_LIMIT, arrays });
    return {
      after: applyChanges(before, changes),
      before: applyChanges(after, invertChanges(changes)),
    };
  };
  const plain = (before: unknown, after: unknown) => ({
    after: plainOf(after).value,
    before: plainOf(before).value,
  });

  test('the changes applied to what was give what is, and inverted what was', () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        expect(roundTrip(before, after)).toEqual(plain(before, after));
      }),
      { numRuns: 500 },
    );
  });

  test('of anything at all', () => {
    fc.assert(
      fc.property(anything, anything, (before, after) => {
        expect(roundTrip(before, after)).toEqual(plain(before, after));
      }),
      { numRuns: 500 },
    );
  });

  test('of lists by key, however items come, go and move', () => {
    fc.assert(
      fc.property(keyedList, keyedList, (before, after) => {
        expect(roundTrip({ list: before }, { list: after }, 'id')).toEqual(
          plain({ list: before }, { list: after }),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(anything, anything, fc.string(), (before, after, pattern) => {
        const options = {
          ignore: [pattern],
          arrays: { [pattern]: pattern },
          maxChanges: 2,
          maxDepth: 1,
          maxValueBytes: 5,
        };
        expect(changesBetween(before, after, options).length).toBeLessThanOrEqual(3);
      }),
    );
  });

  test('what is compared is what the ledger stores', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const event = {
          id: '0193e1c2-7d3e-7a41-9c0f-2b6a51d8e7f4',
          type: 'a.b',
          version: 1,
          category: 'a',
          operation: 'update',
          outcome: 'success',
          severity: 'low',
          occurredAt: '2026-11-22T10:00:00Z',
          tenant: 't',
          actor: { type: 'u', id: 'u' },
          service: 's',
          data: { value },
        } as const;
        const stored = decodeRow(encodeRow(event)).data ?? {};
        const plain = plainOf({ value }).value;
        expect(stored).toEqual(
          JSON.parse(JSON.stringify(plain).replaceAll(/\\ud[89a-f][0-9a-f]{2}/gu, '\ufffd')),
        );
      }),
    );
  });

  test.each<[string, unknown, Parameters<typeof applyChanges>[1], string]>([
    [
      'another value',
      { a: 1 },
      [{ op: 'replace', path: '/a', old: 2, new: 3 }],
      'holds another value',
    ],
    [
      'a masked value',
      { a: 'x' },
      [{ op: 'replace', path: '/a', old: '[masked]', new: '[masked]' }],
      'another value',
    ],
    ['a dropped value', { a: 'x' }, [{ op: 'replace', path: '/a' }], 'does not say the new value'],
    ['no such place', {}, [{ op: 'add', path: '/a/b', new: 1 }], 'leads nowhere'],
    ['no such field', {}, [{ op: 'remove', path: '/a' }], 'is not in the record'],
    ['the prototype', {}, [{ op: 'add', path: '/__proto__/a', new: 1 }], 'leads nowhere'],
    ['beyond the list', [1], [{ op: 'add', path: '/3', new: 1 }], 'is beyond the list'],
    ['no index', [1], [{ op: 'replace', path: '/01', new: 1 }], 'is beyond the list'],
    ['no pointer', {}, [{ op: 'add', path: 'a', new: 1 }], 'is no JSON pointer'],
    ['a move', {}, [{ op: 'move', path: '/a' }], 'has the operation "move"'],
  ])('%s does not fit', (_what, record, changes, message) => {
    expect(() => applyChanges(record, changes)).toThrow(message);
  });
});
