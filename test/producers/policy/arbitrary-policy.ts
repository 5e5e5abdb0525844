import fc from 'fast-check';
import {
  LEVELS,
  OPERATIONS,
  OUTCOMES,
  policySchema,
  SEVERITIES,
  type PolicyDocument,
} from '../../../schemas/index.ts';
import { subjectOf } from './compiled.ts';

const words = <W extends string>(vocabulary: Readonly<Record<W, number>>): W[] =>
  Object.keys(vocabulary) as W[];
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(arbitrary, { minLength: 1, maxLength: 2 });

const CATEGORIES = ['app', 'server'] as const;
const TYPES = ['app.created', 'app.env_var.updated', 'server.rebooted'] as const;
const TYPE_PATTERNS = [...TYPES, 'app.*', '*.updated', '*', 'env_changed'] as const;
const TENANTS = ['acme', 'acme-eu', 'umbrella'] as const;
const ACTORS = ['u_1', 'u_2', 'cron'] as const;
const TARGETS = ['app', 'env_var', 'server'] as const;

const match = fc
  .record(
    {
      category: some(fc.constantFrom(...CATEGORIES, 's*')),
      type: some(fc.constantFrom(...TYPE_PATTERNS)),
      operation: some(fc.constantFrom(...words(OPERATIONS))),
      outcome: some(fc.constantFrom(...words(OUTCOMES))),
      severity: some(fc.constantFrom(...words(SEVERITIES))),
      actor: fc.record(
        {
          type: some(fc.constantFrom('user', 'service')),
          id: some(fc.constantFrom(...ACTORS, 'u_*')),
        },
        { requiredKeys: ['id'] },
      ),
      target: fc.record({ type: some(fc.constantFrom(...TARGETS, '*')) }),
      tenant: some(fc.constantFrom(...TENANTS, 'acme*')),
      service: some(fc.constantFrom('panel', 'gateway', '*')),
    },
    { requiredKeys: [] },
  )
  .filter((one) => Object.keys(one).length > 0);

const rate = fc.constantFrom(0, 0.001, 0.1, 0.5, 0.999, 1);
const limit = fc.record({ events: fc.constant(1), seconds: fc.constant(1) });
/** When the rules of {@link policy} are looked at: some have expired. */
export const NOW_MS = Date.parse('2026-11-22T12:00:00Z');

const rule = fc
  .tuple(
    fc.record({
      owner: fc.constant('platform'),
      reason: fc.constant('a property'),
      expires: fc.constantFrom('never', '2026-11-22', '2026-11-21', '2026-11-22T12:00:00Z'),
      match,
    }),
    fc.oneof(
      fc.record({ action: fc.constantFrom('keep' as const, 'drop' as const) }),
      fc.record({ action: fc.constant('sample' as const), rate }),
      fc.record({ action: fc.constant('limit' as const), limit }),
    ),
  )
  .map(([about, action]) => ({ ...about, ...action }));

/** Any policy, of a small world of names, so that rules often match. */
export const policy = fc
  .record({
    version: fc.constant(1 as const),
    enabled: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
    level: fc.constantFrom(...LEVELS),
    exclude: fc.record({
      actions: fc.array(fc.constantFrom(...TYPE_PATTERNS), { maxLength: 1 }),
      resources: fc.array(fc.constantFrom(...TARGETS), { maxLength: 1 }),
    }),
    sampling: fc.record({ rate, of: fc.constantFrom('reads' as const, 'all' as const) }),
    limits: fc.record({ default: limit, protected: limit }, { requiredKeys: [] }),
    rules: fc.array(rule, { maxLength: 5 }),
  })
  .map((document) =>
    policySchema.parse({
      ...document,
      rules: document.rules.map((one, index) => ({ ...one, id: `rule-${index}` })),
    } satisfies PolicyDocument),
  );

/** Any event of the same world. */
export const event = fc.record({
  subject: fc
    .record({
      type: fc.constantFrom(...TYPES),
      aliases: fc.constantFrom([], ['env_changed']),
      category: fc.constantFrom(...CATEGORIES),
      operation: fc.constantFrom(...words(OPERATIONS)),
      protected: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
    })
    .map(subjectOf),
  outcome: fc.constantFrom(...words(OUTCOMES)),
  facts: fc.record({
    severity: fc.constantFrom(...words(SEVERITIES)),
    tenant: fc.constantFrom(...TENANTS),
    actor: fc.option(
      fc.record({ type: fc.constantFrom('user', 'service'), id: fc.constantFrom(...ACTORS) }),
      { nil: undefined },
    ),
    targetType: fc.option(fc.constantFrom(...TARGETS), { nil: undefined }),
    correlationId: fc.option(fc.string(), { nil: undefined }),
    traceId: fc.option(fc.stringMatching(/^[0-9a-f]{32}$/u), { nil: undefined }),
    id: fc.uuid(),
  }),
});
