/** Schemas of every shape, with sensitive fields anywhere in them, and values that fit. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { redactorOf } from '../../../producers/redaction/redactor.ts';
import { rulesOf } from '../../../producers/redaction/rules.ts';
import { pointerTo } from '../../../schemas/json-pointer.ts';
import { keysOf, memberOf, viewOf } from '../../../schemas/json-view.ts';
import {
  category,
  checkInput,
  decodeRow,
  defineCatalog,
  encodeRow,
  event,
  sensitive,
  type AuditEvent,
  type Treatment,
} from '../../../schemas/index.ts';

const CANARY = 'canary';

interface Part {
  readonly schema: z.ZodType;
  readonly value: unknown;
}

const open: fc.Arbitrary<Part> = fc.constantFrom<Part>(
  { schema: z.string(), value: 'open' },
  { schema: z.number(), value: 7 },
  { schema: z.null(), value: null },
  { schema: z.unknown(), value: { password: CANARY } },
  { schema: z.record(z.string(), z.string()), value: { apiKey: CANARY, name: 'open' } },
);

const marked: fc.Arbitrary<Part> = fc
  .tuple(
    fc.constantFrom<Treatment>('mask', 'hash', 'drop'),
    fc.constantFrom<Part>(
      { schema: z.string(), value: CANARY },
      { schema: z.array(z.string()), value: [CANARY, CANARY] },
      { schema: z.object({ a: z.string() }), value: { a: CANARY } },
      { schema: z.map(z.string(), z.string()), value: new Map([['a', CANARY]]) },
    ),
  )
  .map(([treatment, { schema, value }]) => ({ schema: sensitive(schema, treatment), value }));

const name = fc.constantFrom('a', 'b', 'c/d', '~e', 'token');

const part = fc.letrec<{ part: Part }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    open,
    marked,
    tie('part').map(({ schema, value }) => ({ schema: schema.optional(), value })),
    tie('part').map(({ schema, value }) => ({ schema: schema.nullable(), value })),
    tie('part').map(({ schema, value }) => ({ schema: z.readonly(schema), value })),
    tie('part').map(({ schema, value }) => ({ schema: z.lazy(() => schema), value })),
    tie('part').map(({ schema, value }) => ({ schema: z.array(schema), value: [value] })),
    tie('part').map(({ schema, value }) => ({
      schema: z.tuple([z.int(), schema]),
      value: [1, value],
    })),
    tie('part').map(({ schema, value }) => ({ schema: z.set(schema), value: new Set([value]) })),
    tie('part').map(({ schema, value }) => ({ schema: z.union([z.bigint(), schema]), value })),
    tie('part').map(({ schema, value }) => ({ schema: schema.transform((x) => x), value })),
    tie('part').map(({ schema, value }) => ({ schema: z.preprocess((x) => x, schema), value })),
    tie('part').map(({ schema, value }) => ({ schema: schema.pipe(z.unknown()), value })),
    tie('part').map(({ schema, value }) => ({
      schema: schema.transform((inside) => ({ moved: [inside] })),
      value,
    })),
    tie('part').map(({ schema, value }) => ({
      schema: z.record(z.string(), schema),
      value: { x: value },
    })),
    fc
      .uniqueArray(fc.tuple(name, tie('part')), { selector: ([key]) => key, maxLength: 4 })
      .map((fields) => ({
        schema: z.strictObject(
          Object.fromEntries(fields.map(([key, { schema }]) => [key, schema])),
        ),
        value: Object.fromEntries(fields.map(([key, { value }]) => [key, value])),
      })),
  ),
})).part;

/** Every place in a value, with what is there. */
function* places(value: unknown, path = ''): Generator<[path: string, value: unknown]> {
  yield [path, value];
  const view = viewOf(value);
  if (typeof view !== 'object' || view === null) return;
  for (const key of keysOf(view)) yield* places(memberOf(view, key), pointerTo(path, key));
}

test('R-EDGE-09: no sensitive value is left in data, nor in a change at, above or below it', () => {
  fc.assert(
    fc.property(part, ({ schema, value }) => {
      const catalog = defineCatalog(
        category('any', {
          label: 'Any',
          icon: 'box',
          events: {
            'any.changed': event({
              operation: 'update',
              label: 'Changed',
              data: z.strictObject({ root: schema }),
            }),
          },
        }),
      );
      const definition = catalog.resolve('any.changed');
      if (definition === undefined) throw new Error('not declared');
      const check = checkInput(definition, { data: { root: value } });
      if (!check.ok) throw check.error;
      const { data } = check;
      const changes = [...places(data)].map(([path, at]) => ({
        op: 'replace' as const,
        path,
        old: at,
        new: at,
      }));
      const said: AuditEvent = {
        id: '0193e1c2-7d3e-7a41-9c0f-2b6a51d8e7f4',
        type: 'any.changed',
        version: 1,
        category: 'any',
        operation: 'update',
        outcome: 'success',
        severity: 'low',
        occurredAt: '2026-11-22T10:00:00Z',
        tenant: 't',
        actor: { type: 'user', id: 'u' },
        service: 's',
        data,
        changes,
      };
      const rules = rulesOf(catalog, { key: { id: 'k', secret: 'x'.repeat(16) } });
      const stored = decodeRow(encodeRow(redactorOf(definition, rules)(said)));
      expect(JSON.stringify(stored)).not.toContain(CANARY);
    }),
    { numRuns: 200 },
  );
});
