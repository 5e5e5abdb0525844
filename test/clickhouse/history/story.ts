import { type AuditEvent, decodeRow, encodeRow, uuidv7 } from '../../../schemas/index.ts';

let number = 0;
const START = Date.UTC(2026, 0, 1);

/** An event of contact/c_1 as the ledger stores it: through the wire and back. A second later than the last. */
export function told(fields: Partial<AuditEvent> = {}): AuditEvent {
  number += 1;
  const ms = START + number * 1000;
  return decodeRow(
    encodeRow({
      id: uuidv7(ms),
      type: 'contact.updated',
      version: 1,
      category: 'contact',
      operation: 'update',
      outcome: 'success',
      severity: 'informational',
      occurredAt: new Date(ms),
      tenant: 'acme',
      actor: { type: 'user', id: 'u_7' },
      target: { type: 'contact', id: 'c_1' },
      service: 'crm',
      ...fields,
    }),
  );
}

export const created = (fields: Partial<AuditEvent> = {}): AuditEvent =>
  told({ type: 'contact.created', operation: 'create', ...fields });

export const deleted = (fields: Partial<AuditEvent> = {}): AuditEvent =>
  told({ type: 'contact.deleted', operation: 'delete', ...fields });
