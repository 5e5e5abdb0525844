import { z } from 'zod';
import type { Facts } from '../../producers/policy/index.ts';
import {
  type Catalog,
  OUTCOMES,
  type Outcome,
  outcomeOf,
  SEVERITIES,
  uuidv7,
} from '../../schemas/index.ts';
import { readJson } from '../json-text.ts';
import { UsageError } from '../failure.ts';

const party = z.looseObject({ type: z.string(), id: z.string(), name: z.string().optional() });

/** What a policy looks at; an event's other fields may be there and do not matter. */
const schema = z.looseObject({
  type: z.string(),
  version: z.number().optional(),
  outcome: z.enum(Object.keys(OUTCOMES) as Outcome[]).optional(),
  severity: z.enum(Object.keys(SEVERITIES) as (keyof typeof SEVERITIES)[]).optional(),
  error: z.unknown().optional(),
  tenant: z.string().optional(),
  actor: party.optional(),
  target: party.partial({ type: true }).optional(),
  correlationId: z.string().optional(),
  traceId: z.string().optional(),
  id: z.string().optional(),
});

export interface ExplainedEvent {
  readonly facts: Facts;
  readonly outcome: Outcome;
}

/**
 * The facts of an event as `emit` would have them.
 *
 * @throws UsageError naming every field that is malformed, or the type nobody declared
 */
export function explainedEvent(text: string, catalog: Catalog, tenant: string): ExplainedEvent {
  const read = readJson(Buffer.from(text));
  if (!read.ok) throw new UsageError(`The event ${read.reason}.`, EXAMPLE);
  const parsed = schema.safeParse(read.value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'it'}: ${message}`,
    );
    throw new UsageError(`This is no event: ${faults.join('; ')}.`, EXAMPLE);
  }
  const event = parsed.data;
  const subject = catalog.resolve(event.type, event.version);
  if (subject === undefined) {
    const { message, hint } = catalog.explain(event.type, event.version);
    throw new UsageError(message, `${hint} A catalog of your own: --catalog MODULE.`);
  }
  return {
    outcome: outcomeOf(subject.outcome, event),
    facts: {
      subject,
      severity: event.severity ?? subject.severity,
      tenant: event.tenant ?? tenant,
      actor: event.actor,
      targetType: event.target?.type ?? subject.target,
      targetId: event.target?.id,
      correlationId: event.correlationId,
      traceId: event.traceId,
      id: event.id ?? uuidv7(),
    },
  };
}

const EXAMPLE = `Give JSON such as '{"type":"app.deleted","actor":{"type":"user","id":"u_7"}}'.`;
