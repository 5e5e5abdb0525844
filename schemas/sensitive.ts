import { z } from 'zod';

/**
 * What becomes of a sensitive value before it leaves the process, the weakest first. `hash`: a
 * keyed digest, equal for equal values; `mask`: `[masked]`; `drop`: nothing.
 */
export const TREATMENTS = ['hash', 'mask', 'drop'] as const;
export type Treatment = (typeof TREATMENTS)[number];

const annotations = z.registry<{ readonly treatment: Treatment }>();

/**
 * Marks a schema's values as sensitive; the schema that was passed stays as it is. Works at any
 * depth: through optional, default, array, record, union, pipe. Methods that make another object
 * schema (`extend`, `pick`, `partial`) keep the marks of fields and lose the object's own.
 *
 * @example
 * event({
 *   operation: 'update',
 *   label: 'Payout account changed',
 *   data: z.strictObject({
 *     iban: sensitive(z.string(), 'hash'),
 *     pin: sensitive(z.string(), 'drop').optional(),
 *   }),
 * });
 */
export function sensitive<S extends z.ZodType>(schema: S, treatment: Treatment): S {
  // A copy: what the caller shares between fields must not become sensitive in all of them.
  const marked = schema.clone(undefined, { parent: true });
  annotations.add(marked, { treatment });
  return marked;
}

/** What {@link sensitive} said of exactly this schema. */
export const treatmentOf = (schema: z.core.$ZodType): Treatment | undefined =>
  annotations.get(schema)?.treatment;

/** The stronger of two. */
export const strongest = (
  a: Treatment | undefined,
  b: Treatment | undefined,
): Treatment | undefined => {
  if (a === undefined || b === undefined) return a ?? b;
  return TREATMENTS.indexOf(a) > TREATMENTS.indexOf(b) ? a : b;
};
