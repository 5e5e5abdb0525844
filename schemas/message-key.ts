import type { AuditEvent } from './event.ts';

/**
 * The Kafka key of an event, `tenant/target_type/target_id`: one target's history is one
 * partition, in order. An event without a target goes by its actor instead, since one key for all
 * of them would make one partition hot. No text of PostgreSQL has U+0000, so no key has it.
 */
export function messageKey(event: Pick<AuditEvent, 'tenant' | 'actor' | 'target'>): string {
  const party = event.target ?? event.actor;
  return `${event.tenant}/${party.type}/${party.id}`.replaceAll('\0', '\ufffd');
}
