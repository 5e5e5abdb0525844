import { z } from 'zod';
import { CHANGE_OPS, OPERATIONS, OUTCOMES, SEVERITIES } from '../../schemas/index.ts';

const words = <W extends string>(vocabulary: Readonly<Record<W, number>>): [W, ...W[]] =>
  Object.keys(vocabulary) as [W, ...W[]];

const label = z.string().min(1).max(1024);
const party = { type: label, id: label, name: z.string().optional() };
const anything = z.record(z.string(), z.unknown());

/** A line of input in the nested form: what `ledger.emit` takes, with the type in it. */
const schema = z.strictObject({
  id: z.guid('must be a UUID').optional(),
  type: label,
  version: z.int().min(1).max(65_535).optional(),
  category: z
    .string()
    .regex(/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/, 'must be snake_case')
    .max(128)
    .optional(),
  operation: z.enum(words(OPERATIONS)).optional(),
  outcome: z.enum(words(OUTCOMES)).optional(),
  severity: z.enum(words(SEVERITIES)).optional(),
  occurredAt: z.string().optional(),
  tenant: label.optional(),
  actor: z.strictObject(party),
  target: z.strictObject({ ...party, type: label.optional() }).optional(),
  related: z.array(z.strictObject({ role: label, ...party })).optional(),
  sourceIp: z.string().optional(),
  service: label.optional(),
  traceId: z
    .string()
    .regex(/^[0-9a-f]{32}$/i, 'must be 32 hexadecimal digits')
    .optional(),
  correlationId: z.string().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  error: z.strictObject({ code: z.string().optional(), message: z.string().optional() }).optional(),
  changes: z
    .array(
      z.strictObject({
        op: z.enum(words(CHANGE_OPS)),
        path: z.string(),
        old: z.unknown().optional(),
        new: z.unknown().optional(),
      }),
    )
    .optional(),
  data: anything.optional(),
  execution: anything.optional(),
  retentionClass: label.optional(),
  attributes: z.record(z.string(), z.string()).optional(),
});

export type Input = z.output<typeof schema>;

/** Compiled once, since it judges every line. */
export const inputSchema: z.ZodType<Input> = z.compile(schema);

const MOST_FAULTS = 5;

/** A schema's faults by path and rule, without any value. */
export function faultsOf(error: z.ZodError): string {
  // A misspelt field is the reason why another is missing, so that it comes first.
  const unknownFirst = [
    ...error.issues.filter(({ code }) => code === 'unrecognized_keys'),
    ...error.issues.filter(({ code }) => code !== 'unrecognized_keys'),
  ];
  const faults = unknownFirst.map((issue) => {
    const path = issue.path.map(String).join('.');
    const rule =
      issue.code === 'unrecognized_keys'
        ? `unknown ${issue.keys.length === 1 ? 'field' : 'fields'} ${issue.keys.map(shortened).join(', ')}`
        : issue.code === 'invalid_value'
          ? `must be one of ${issue.values.map(String).join(', ')}`
          : issue.code === 'invalid_type'
            ? issue.input === undefined
              ? 'is required'
              : `must be ${issue.expected}`
            : issue.message;
    return path === '' ? rule : `${path}: ${rule}`;
  });
  const more = faults.length - MOST_FAULTS;
  return faults.slice(0, MOST_FAULTS).join('; ') + (more > 0 ? `; and ${more} more` : '');
}

const shortened = (name: string): string =>
  JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
