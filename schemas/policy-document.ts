import { z } from 'zod';
import { OPERATIONS, OUTCOMES, SEVERITIES, wordsOf } from './vocabulary.ts';

/**
 * How much the edge keeps:
 * `all`; `writes_only`, all but reads; `mutations_only`, updates and deletes; `deletes_only`;
 * `failures_only`, whatever failed.
 */
export const LEVELS = [
  'all',
  'writes_only',
  'mutations_only',
  'deletes_only',
  'failures_only',
] as const;
export type Level = (typeof LEVELS)[number];

/** By what a limit tells events apart; each combination has a bucket of its own. */
export const LIMIT_KEYS = ['tenant', 'actor', 'target', 'category', 'type'] as const;
export type LimitKey = (typeof LIMIT_KEYS)[number];

/** 2 to the −20: below it a weight says next to nothing about what happened. */
const SMALLEST_RATE = 1 / 2 ** 20;

const list = <T extends z.ZodType>(item: T) =>
  z.preprocess((given) => (Array.isArray(given) ? given : [given]), z.array(item).min(1, EMPTY));
const EMPTY = 'is empty and so matches nothing: leave it out to match everything';

const pattern = z.string().min(1, 'is empty').max(256, 'is longer than 256 characters');
const line = z.string().trim().min(1, 'is empty').max(500, 'is longer than 500 characters');
const rate = z
  .number('must be a number from 0 to 1')
  .refine(
    (value) => value === 0 || (value >= SMALLEST_RATE && value <= 1),
    'must be 0, or from 0.000001 to 1',
  );

const limit = z.strictObject({
  events: z.int('must be a whole number').min(1, 'must be at least 1').max(1_000_000_000),
  seconds: z.number().min(0.001, 'must be at least 0.001').max(86_400, 'must be at most 86400'),
  per: list(z.enum(LIMIT_KEYS, `must be one of ${LIMIT_KEYS.join(', ')}`)).optional(),
});

/** At most so many events in so many seconds, for each key. */
export type Limit = z.output<typeof limit>;

const match = z
  .strictObject({
    category: list(pattern).optional(),
    type: list(pattern).optional(),
    operation: list(words(OPERATIONS)).optional(),
    outcome: list(words(OUTCOMES)).optional(),
    severity: list(words(SEVERITIES)).optional(),
    actor: z
      .strictObject({ type: list(pattern).optional(), id: list(pattern).optional() })
      .optional(),
    target: z.strictObject({ type: list(pattern).optional() }).optional(),
    tenant: list(pattern).optional(),
    service: list(pattern).optional(),
  })
  .refine(
    ({ actor, target, ...own }) =>
      [own, actor ?? {}, target ?? {}].some((named) =>
        Object.values(named).some((value) => value !== undefined),
      ),
    "says nothing: name what it matches, or everything with type: '*'",
  );

/** What a rule matches: all that is named must hold, each by any of its values. */
export type Match = z.output<typeof match>;

function words<W extends string>(vocabulary: Readonly<Record<W, number>>) {
  const known = wordsOf(vocabulary);
  return z.enum(known, `must be one of ${known.join(', ')}`);
}

const rule = {
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/u, 'must be a name such as sample-reads'),
  owner: line,
  reason: line,
  expires: z
    .string('must be a date such as 2027-03-31, or never')
    .refine((text) => expiryOf(text) !== undefined, 'must be a date such as 2027-03-31, or never'),
  match,
};

const ruleSchema = z.discriminatedUnion(
  'action',
  [
    z.strictObject({ ...rule, action: z.literal('keep') }),
    z.strictObject({ ...rule, action: z.literal('drop') }),
    z.strictObject({ ...rule, action: z.literal('sample'), rate }),
    z.strictObject({ ...rule, action: z.literal('limit'), limit }),
  ],
  {
    error: ({ code }) =>
      code === 'invalid_union' ? 'must be keep, drop, sample or limit' : undefined,
  },
);

/** What every rule says, whatever its action: a rule with an unknown action is checked no further than that. */
export const ruleWithoutAction = z.looseObject(rule);

/** One rule. The first that matches an event decides it. */
export type Rule = z.output<typeof ruleSchema>;

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/u;

/**
 * From when on a rule no longer applies, in milliseconds since 1970: at an instant, or when its
 * last day is over in UTC. Infinite for `never`; undefined for what is no date.
 */
export function expiryOf(text: string): number | undefined {
  if (text === 'never') return Infinity;
  const day = /^\d{4}-\d\d-\d\d$/u.test(text);
  if (!day && !INSTANT.test(text)) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return undefined;
  if (!day) return at;
  // Date.parse makes 2 March of 30 February; the last day of a rule must be one that exists.
  if (new Date(at).toISOString().slice(0, 10) !== text) return undefined;
  return at + 86_400_000;
}

/**
 * What the edge keeps, as a policy file or `createLedger({ policy })` says it. Strict: a misspelt
 * key is a fault. `docs/policy.md` explains every part.
 */
export const policySchema = z
  .strictObject({
    version: z.literal(1, 'must be 1, the version of this format'),
    enabled: z.boolean('must be true or false').default(true),
    level: z.enum(LEVELS, `must be one of ${LEVELS.join(', ')}`).default('writes_only'),
    exclude: z
      .strictObject({
        actions: z.array(pattern).default([]),
        resources: z.array(pattern).default([]),
      })
      .default({ actions: [], resources: [] }),
    sampling: z
      .strictObject({
        rate: rate.default(1),
        of: z.enum(['reads', 'all'], 'must be reads or all').default('reads'),
      })
      .default({ rate: 1, of: 'reads' }),
    limits: z.strictObject({ default: limit.optional(), protected: limit.optional() }).default({}),
    rules: z.array(ruleSchema).max(1000, 'has more than 1000 rules').default([]),
  })
  .superRefine(({ rules }, context) => {
    const seen = new Set<string>();
    rules.forEach(({ id }, index) => {
      if (seen.has(id)) {
        const message = `"${id}" is the id of an earlier rule too`;
        context.addIssue({ code: 'custom', path: ['rules', index, 'id'], message });
      }
      seen.add(id);
    });
  });

/** A policy with its defaults filled in and its lists made lists. */
export type Policy = z.output<typeof policySchema>;

type OneOrMore<T> = T | readonly T[];

/** {@link Limit}, as it is written. `per` absent: one bucket for all. */
export interface LimitDocument {
  readonly events: number;
  readonly seconds: number;
  readonly per?: OneOrMore<LimitKey> | undefined;
}

/** {@link Match}, as it is written: one value or a list; texts exact or with `*`. */
export interface MatchDocument {
  readonly category?: OneOrMore<string> | undefined;
  readonly type?: OneOrMore<string> | undefined;
  readonly operation?: OneOrMore<keyof typeof OPERATIONS> | undefined;
  readonly outcome?: OneOrMore<keyof typeof OUTCOMES> | undefined;
  readonly severity?: OneOrMore<keyof typeof SEVERITIES> | undefined;
  readonly actor?:
    | { readonly type?: OneOrMore<string> | undefined; readonly id?: OneOrMore<string> | undefined }
    | undefined;
  readonly target?: { readonly type?: OneOrMore<string> | undefined } | undefined;
  readonly tenant?: OneOrMore<string> | undefined;
  readonly service?: OneOrMore<string> | undefined;
}

/** {@link Rule}, as it is written. */
export type RuleDocument = {
  readonly id: string;
  /** Who answers for it. */
  readonly owner: string;
  readonly reason: string;
  /** Its last day in UTC (`2027-03-31`), an instant, or `never`. */
  readonly expires: string;
  readonly match: MatchDocument;
} & (
  | { readonly action: 'keep' | 'drop' }
  | { readonly action: 'sample'; readonly rate: number }
  | { readonly action: 'limit'; readonly limit: LimitDocument }
);

/**
 * {@link Policy}, as it is written, in YAML, JSON or code.
 *
 * @example
 * const policy: PolicyDocument = {
 *   version: 1,
 *   level: 'all',
 *   sampling: { rate: 0.1, of: 'reads' },
 *   rules: [
 *     {
 *       id: 'quiet-probes',
 *       owner: 'platform',
 *       reason: 'health checks are measured elsewhere',
 *       expires: '2027-03-31',
 *       match: { type: 'gateway.health.checked', actor: { type: 'service' } },
 *       action: 'drop',
 *     },
 *   ],
 * };
 */
export interface PolicyDocument {
  readonly version: 1;
  readonly enabled?: boolean | undefined;
  readonly level?: Level | undefined;
  readonly exclude?:
    | {
        readonly actions?: readonly string[] | undefined;
        readonly resources?: readonly string[] | undefined;
      }
    | undefined;
  readonly sampling?:
    { readonly rate?: number | undefined; readonly of?: 'reads' | 'all' | undefined } | undefined;
  readonly limits?:
    | {
        readonly default?: LimitDocument | undefined;
        readonly protected?: LimitDocument | undefined;
      }
    | undefined;
  readonly rules?: readonly RuleDocument[] | undefined;
}
