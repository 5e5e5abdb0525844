import fc from 'fast-check';
import {
  CHANGE_OPS,
  OPERATIONS,
  OUTCOMES,
  SEVERITIES,
  type AuditEvent,
} from '../../schemas/index.ts';

const wordOf = <W extends string>(words: Readonly<Record<W, number>>): fc.Arbitrary<W> =>
  fc.constantFrom(...(Object.keys(words) as W[]));

/** Whole characters, of any script, up to the length of a label. */
const label = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const party = fc.record({ type: label, id: label, name: optional(label) });

/** What JSON can say, as it comes back from JSON: no -0, no lone surrogates. */
const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' }).map(reparsed);
const object = fc
  .dictionary(fc.string({ unit: 'grapheme' }), json, { minKeys: 1, maxKeys: 6 })
  .map((value) => reparsed(value) as Record<string, unknown>);

function reparsed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

const micros = fc.integer({ min: 0, max: 999_999 });
const instant = fc
  .tuple(fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }), micros)
  .map(([day, part]) => `${day.toISOString().slice(0, 19)}.${String(part).padStart(6, '0')}Z`);

/** Any well-formed event whose values JSON has, in the form that decodeRow gives back. */
export const arbitraryEvent: fc.Arbitrary<AuditEvent> = fc
  .record({
    id: fc.uuid(),
    type: label,
    version: fc.integer({ min: 1, max: 65_535 }),
    category: label,
    operation: wordOf(OPERATIONS),
    outcome: wordOf(OUTCOMES),
    severity: wordOf(SEVERITIES),
    occurredAt: instant,
    tenant: label,
    actor: party,
    target: optional(party),
    related: optional(
      fc.array(fc.record({ role: label, type: label, id: label, name: optional(label) }), {
        minLength: 1,
        maxLength: 3,
      }),
    ),
    sourceIp: optional(fc.ipV4()),
    service: label,
    producer: optional(fc.record({ id: fc.uuid(), seq: fc.maxSafeNat() })),
    traceId: optional(fc.stringMatching(/^[1-9a-f]{32}$/)),
    correlationId: optional(label),
    reason: optional(label),
    message: optional(label),
    error: optional(fc.record({ code: label, message: optional(label) })),
    changes: optional(
      fc.array(
        fc.record({
          op: wordOf(CHANGE_OPS),
          path: fc.string({ unit: 'grapheme' }),
          old: optional(json),
          new: optional(json),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    ),
    data: optional(object),
    execution: optional(object),
    retentionClass: optional(label),
    policy: optional(
      fc.record({
        level: label,
        rule: optional(label),
        weight: fc.double({ min: 1, max: 1e6, noNaN: true }),
      }),
    ),
    attributes: optional(
      fc.dictionary(fc.string({ unit: 'grapheme' }), label, { minKeys: 1, maxKeys: 4 }),
    ),
  })
  .map((event) => withoutUndefined(event) as AuditEvent);

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, withoutUndefined(member)]),
  );
}
