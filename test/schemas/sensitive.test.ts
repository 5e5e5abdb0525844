import { inspect } from 'node:util';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { category, checkInput, defineCatalog, event } from '../../schemas/index.ts';
import { fieldsOf } from '../../schemas/schema-fields.ts';
import { needsTreatment, OPEN, type FieldNode } from '../../schemas/sensitive-fields.ts';
import { sensitive } from '../../schemas/sensitive.ts';

/** What is said of the place that a path leads to; undefined: nothing. */
function at(schema: z.ZodType, path: string): string | undefined {
  let node: FieldNode | undefined = fieldsOf(schema);
  for (const key of path.split('/').slice(1)) {
    if (node?.treatment !== undefined) break;
    node = node?.member(key);
  }
  return node === OPEN ? 'open' : node?.treatment;
}

const secret = sensitive(z.string(), 'mask');

describe('R-EDGE-09: sensitive()', () => {
  test('leaves the schema it was given, and the inferred types, as they are', () => {
    const iban = z.string().min(3).describe('IBAN');
    const marked = sensitive(iban, 'hash');
    expect(at(z.object({ iban }), '/iban')).toBeUndefined();
    expect(at(z.object({ marked }), '/marked')).toBe('hash');
    expect(marked.description).toBe('IBAN');
    expect(marked.safeParse('x').success).toBe(false);
    expectTypeOf(sensitive(z.object({ a: z.number() }), 'drop')).toEqualTypeOf(
      z.object({ a: z.number() }),
    );
  });

  test.each<[string, z.ZodType, string, string | undefined]>([
    ['optional', z.object({ a: secret.optional() }), '/a', 'mask'],
    ['nullable', z.object({ a: secret.nullable() }), '/a', 'mask'],
    ['default', z.object({ a: secret.default('x') }), '/a', 'mask'],
    ['catch', z.object({ a: secret.catch('x') }), '/a', 'mask'],
    ['readonly', z.object({ a: z.readonly(secret) }), '/a', 'mask'],
    ['further checks', z.object({ a: secret.min(1).max(9) }), '/a', 'mask'],
    [
      'the outside of optional',
      z.object({ a: sensitive(z.string().optional(), 'drop') }),
      '/a',
      'drop',
    ],
    ['array', z.object({ a: z.array(z.object({ b: secret })) }), '/a/7/b', 'mask'],
    ['set', z.object({ a: z.set(secret) }), '/a/0', 'mask'],
    ['tuple', z.object({ a: z.tuple([z.string(), secret]) }), '/a/1', 'mask'],
    ['tuple, the other item', z.object({ a: z.tuple([z.string(), secret]) }), '/a/0', undefined],
    ['record', z.object({ a: z.record(z.string(), secret) }), '/a/any', 'mask'],
    ['map', z.object({ a: z.map(z.string(), secret) }), '/a/any', 'mask'],
    ['union', z.object({ a: z.union([z.number(), secret]) }), '/a', 'mask'],
    [
      'discriminated union: what one says, holds for all',
      z.discriminatedUnion('k', [
        z.object({ k: z.literal('a'), v: secret }),
        z.object({ k: z.literal('b'), v: z.string() }),
      ]),
      '/v',
      'mask',
    ],
    [
      'the stronger of two',
      z.union([z.object({ v: secret }), z.object({ v: sensitive(z.string(), 'drop') })]),
      '/v',
      'drop',
    ],
    [
      'intersection',
      z.intersection(z.object({ a: secret }), z.object({ b: z.string() })),
      '/a',
      'mask',
    ],
    [
      'intersection, the other side',
      z.intersection(z.object({ a: secret }), z.object({ b: z.string() })),
      '/b',
      undefined,
    ],
    [
      'an object as a whole',
      z.object({ a: sensitive(z.object({ b: z.string() }), 'hash') }),
      '/a/b',
      'hash',
    ],
    ['deeper than the field', z.object({ a: secret }), '/a/b/c', 'mask'],
    ['preprocess', z.object({ a: z.preprocess(String, secret) }), '/a', 'mask'],
    ['transform', z.object({ a: secret.transform((text) => text.length) }), '/a', 'mask'],
    ['pipe', z.object({ a: z.string().pipe(secret) }), '/a', 'mask'],
    ['lazy', z.object({ a: z.lazy(() => secret) }), '/a', 'mask'],
    [
      'a transform that may put it anywhere',
      z.object({
        a: z.object({ b: secret, c: z.string() }).transform(({ b, c }) => ({ x: b, c })),
      }),
      '/a/c',
      'mask',
    ],
    [
      'a transform whose output says where it is',
      z.object({
        a: z
          .object({ b: secret })
          .transform(({ b }) => ({ x: b, y: 1 }))
          .pipe(z.object({ x: secret, y: z.number() })),
      }),
      '/a/y',
      undefined,
    ],
    ['what is open', z.object({ a: z.unknown() }), '/a', 'open'],
    ['a catchall', z.object({}).catchall(secret), '/any', 'mask'],
    ['a declared field beside it', z.object({ a: z.string(), b: secret }), '/a', undefined],
  ])('%s', (_what, schema, path, expected) => {
    expect(at(schema, path)).toBe(expected);
    expect(at(z.compile(schema), path)).toBe(expected);
  });

  test('recursive schemas are followed as deep as the value goes', () => {
    const tree = z.object({
      name: secret,
      get children() {
        return z.array(tree);
      },
    });
    expect(at(tree, '/children/0/children/3/name')).toBe('mask');
    expect(at(tree, '/children/0/children')).toBeUndefined();
    const lazy: z.ZodType = z.lazy(() =>
      z.union([z.string(), z.object({ pin: secret, next: lazy })]),
    );
    expect(at(lazy, '/next/next/pin')).toBe('mask');
  });

  test('of what may be a list or a record, the record’s names are the caller’s', () => {
    const json = fieldsOf(z.object({ a: z.json() }))?.member('a');
    expect(json?.isUndeclared('password')).toBe(true);
    expect(json?.member('x')?.isUndeclared('password')).toBe(true);
    expect(json?.member('0')?.member('0')?.isUndeclared('password')).toBe(true);
  });

  test('what neither is marked nor open costs nothing', () => {
    const plain = z.strictObject({
      a: z.string(),
      b: z.array(z.object({ c: z.number().optional() })),
    });
    expect(needsTreatment(fieldsOf(plain))).toBe(false);
    expect(needsTreatment(fieldsOf(z.object({ a: z.json() })))).toBe(true);
    expect(needsTreatment(fieldsOf(z.object({ a: z.record(z.string(), z.number()) })))).toBe(true);
  });
});

describe('R-EDGE-09: what a fault says', () => {
  const CANARY = 'canary-4f1d';
  const data = z.strictObject({
    mode: z.enum(['one', 'two']),
    fixed: z.literal('three'),
    shape: z.string().regex(/^[0-9]+$/),
    small: z.string().max(3),
    either: z.union([z.number(), z.boolean()]),
    kind: z.discriminatedUnion('k', [z.object({ k: z.literal('a') })]),
    tokens: z.record(z.string(), z.number()),
    keyed: z.record(z.string().max(2), z.number()),
    checked: z.string().refine(() => false, { error: ({ input }) => `bad ${String(input)}` }),
    thrown: z.string().optional(),
    list: z.array(z.strictObject({ pin: sensitive(z.number(), 'drop') })),
  });
  const definition = defineCatalog(
    category('app', {
      label: 'App',
      icon: 'box',
      events: { 'app.created': event({ operation: 'create', label: 'Created', data }) },
    }),
  ).resolve('app.created');

  test('names paths that the schema declares, and rules; no value and no key of the caller', () => {
    if (definition === undefined) throw new Error('not declared');
    const check = checkInput(definition, {
      data: {
        mode: CANARY,
        fixed: CANARY,
        shape: CANARY,
        small: CANARY,
        either: CANARY,
        kind: { k: CANARY },
        tokens: { [CANARY]: CANARY },
        keyed: { [CANARY]: 1 },
        checked: CANARY,
        list: [{ pin: CANARY }, { [CANARY]: 1 }],
        [CANARY]: CANARY,
      },
    });
    if (check.ok) throw new Error('it passed');
    expect(inspect(check.error, { depth: 9, showHidden: true })).not.toContain(CANARY);
    expect(check.error.message).toContain('data.list.0.pin: expected number');
    expect(check.error.message).toContain('data.tokens.*: expected number');
  });

  test('a refinement that throws is named by its kind alone', () => {
    const throwing = defineCatalog(
      category('app', {
        label: 'App',
        icon: 'box',
        events: {
          'app.created': event({
            operation: 'create',
            label: 'Created',
            data: z.strictObject({
              a: z.string().refine((text) => {
                throw new RangeError(`cannot take ${text}`);
              }),
            }),
          }),
        },
      }),
    ).resolve('app.created');
    if (throwing === undefined) throw new Error('not declared');
    const check = checkInput(throwing, { data: { a: CANARY } });
    expect(inspect(check, { depth: 9, showHidden: true })).not.toContain(CANARY);
    expect(check).toMatchObject({ ok: false, error: { code: 'EVENT_DATA_INVALID' } });
  });
});
