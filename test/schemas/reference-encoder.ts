import type { AuditEvent } from '../../schemas/index.ts';

/**
 * The wire row as one would write it first: an object, then JSON.stringify. Only for events whose
 * values JSON has (no BigInt, no cycles …); what the fast encoder must agree with.
 */
export function referenceRow(event: AuditEvent): Record<string, unknown> {
  const trace = event.traceId;
  const json = (value: unknown): string | undefined =>
    value === undefined ? undefined : JSON.stringify(value);
  const row = {
    wire_version: 1,
    event_id: event.id,
    event_type: event.type,
    event_version: event.version,
    category: event.category,
    operation: event.operation,
    outcome: event.outcome,
    severity: event.severity,
    occurred_at: event.occurredAt,
    tenant_id: event.tenant,
    actor_type: event.actor.type,
    actor_id: event.actor.id,
    actor_name: event.actor.name,
    target_type: event.target?.type,
    target_id: event.target?.id,
    target_name: event.target?.name,
    related: event.related,
    source_ip: event.sourceIp === undefined ? undefined : `::ffff:${event.sourceIp}`,
    service: event.service,
    producer_id: event.producer?.id,
    producer_seq: event.producer?.seq,
    trace_id: trace?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    correlation_id: event.correlationId,
    reason: event.reason,
    message: event.message,
    error_code: event.error?.code,
    error_message: event.error?.message,
    changes: event.changes?.map((change) => ({
      op: change.op,
      path: change.path,
      old: json(change.old),
      new: json(change.new),
    })),
    data: event.data,
    execution: event.execution,
    retention_class: event.retentionClass,
    policy_level: event.policy?.level,
    policy_rule: event.policy?.rule,
    weight: event.policy?.weight,
    attributes: event.attributes,
  };
  return JSON.parse(JSON.stringify(row)) as Record<string, unknown>;
}
