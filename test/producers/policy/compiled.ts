import type { Decision, Facts, Subject } from '../../../producers/policy/decision.ts';
import { compile } from '../../../producers/policy/compile.ts';
import type { Limiters } from '../../../producers/policy/ending.ts';
import { RuleTallies } from '../../../producers/policy/rule-tally.ts';
import {
  category,
  defineCatalog,
  event,
  policySchema,
  type Outcome,
  type PolicyDocument,
  type ResolvedEvent,
} from '../../../schemas/index.ts';

const catalog = defineCatalog(
  category('app', {
    label: 'App',
    icon: 'box',
    events: {
      'app.env_var.updated': event({
        operation: 'update',
        label: 'Environment variable updated',
        aliases: ['env_changed'],
      }),
    },
  }),
);

/** A type of event, as a catalog resolves it. */
export const subjectOf = (fields: Partial<ResolvedEvent> = {}): ResolvedEvent => ({
  ...(catalog.resolve('app.env_var.updated') as ResolvedEvent),
  ...fields,
});

export const factsOf = (subject: Subject, fields: Partial<Facts> = {}): Facts => ({
  subject,
  severity: 'informational',
  tenant: 'default',
  actor: { type: 'user', id: 'u_7' },
  targetType: undefined,
  targetId: undefined,
  correlationId: undefined,
  traceId: undefined,
  id: '0190d1c4-0000-7000-8000-000000000000',
  ...fields,
});

const NO_LIMITS: Limiters = { of: () => undefined };

/** What a policy's compiled form says of one event. */
export function decided(
  document: PolicyDocument,
  subject: ResolvedEvent,
  outcome: Outcome,
  fields: Partial<Facts> = {},
  limiters = NO_LIMITS,
): Decision {
  const policy = policySchema.parse(document);
  const { rules } = policy;
  const compiled = compile(policy, {
    service: 'panel',
    rules,
    limiters,
    tallies: new RuleTallies(),
  });
  return compiled.verdictsOf(subject)[outcome].decide(factsOf(subject, fields));
}

/** The cause, or `keep`. */
export const causeOf = (decision: Decision): string =>
  decision.kept ? 'keep' : decision.receipt.cause;
