import {
  formatMicros,
  LedgerlineError,
  type AuditEvent,
  type EventFields,
  type Outcome,
  type Party,
  type PolicyStamp,
  type ResolvedEvent,
} from '../schemas/index.ts';
import type { Clock } from './clock.ts';
import type { EventDefaults } from './context/surroundings.ts';
import type { EventFacts } from './policy/event-facts.ts';

/** Any event's input, as far as `emit` looks at it: what a caller without types may pass. */
export interface AnyInput extends EventFields {
  readonly version?: number | undefined;
  readonly target?:
    | {
        readonly type?: string | undefined;
        readonly id: string;
        readonly name?: string | undefined;
      }
    | undefined;
  readonly reason?: string | undefined;
  readonly data?: unknown;
}

/** What a ledger puts on every event. */
export interface Stamp extends EventDefaults {
  readonly service: string;
  readonly producerId: string;
  readonly clock: Clock;
}

function actorOf(definition: ResolvedEvent, { actor }: EventFacts): Party {
  if (actor === undefined) throw missing(definition, 'an actor', 'actor: { type, id }');
  return actor;
}

/** What it happened to; the type may come from the event's type. */
function targetOf(definition: ResolvedEvent, input: AnyInput): Party | undefined {
  const given = input.target ?? undefined;
  if (given === undefined) return undefined;
  const { type = definition.target, id, name } = given;
  if (type && id) return { type, id, name };
  throw missing(definition, 'both type and id of its target', 'target: { type, id }');
}

const missing = ({ type }: ResolvedEvent, what: string, example: string): LedgerlineError =>
  new LedgerlineError('EVENT_INVALID', `The event "${type}" needs ${what}.`, {
    hint: `Pass ${example}.`,
  });

/** The whole event: what was said of it, what its type says, and who recorded it when. */
export function stamped(
  facts: EventFacts,
  input: AnyInput,
  outcome: Outcome,
  data: AuditEvent['data'],
  seq: number | undefined,
  stamp: Stamp,
  policy: PolicyStamp,
): AuditEvent {
  const { subject: definition } = facts;
  return {
    id: facts.id,
    type: definition.type,
    version: definition.version,
    category: definition.category,
    operation: definition.operation,
    outcome,
    severity: facts.severity,
    occurredAt: input.occurredAt ?? (formatMicros(stamp.clock()) as string),
    tenant: facts.tenant,
    actor: actorOf(definition, facts),
    target: targetOf(definition, input),
    related: facts.related,
    sourceIp: facts.sourceIp,
    service: stamp.service,
    producer: seq === undefined ? undefined : { id: stamp.producerId, seq },
    traceId: facts.traceId,
    correlationId: facts.correlationId,
    reason: input.reason,
    message: input.message,
    error: input.error,
    changes: input.changes,
    data,
    execution: input.execution,
    retentionClass: definition.retentionClass,
    policy,
    attributes: facts.attributes,
  };
}
