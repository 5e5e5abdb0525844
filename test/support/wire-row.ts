/** Messages for delivery tests. */
import { randomUUID } from 'node:crypto';
import { inColumnOrder } from './stored-row.ts';

export interface Message {
  readonly value: string | Buffer | null;
  readonly partition?: number;
  readonly headers?: Record<string, string>;
}

let sequence = 0;

/** A healthy wire row, as text, in the order of the columns; `fields` replaces or adds columns. */
export function wireRow(fields: Readonly<Record<string, unknown>> = {}): string {
  sequence += 1;
  return JSON.stringify(
    inColumnOrder({
      wire_version: 1,
      event_id: randomUUID(),
      event_type: 'app.env_var.updated',
      category: 'app',
      operation: 'update',
      outcome: 'success',
      occurred_at: new Date().toISOString().replace('Z', '000Z'),
      tenant_id: 'acme',
      actor_type: 'user',
      actor_id: 'user-1',
      actor_name: 'Zoë "the \\ admin" 👩‍🚀',
      target_type: 'env_var',
      target_id: `env-${sequence % 7}`,
      related: [{ role: 'parent', type: 'app', id: 'app-1', name: 'shop' }],
      source_ip: '10.1.2.3',
      service: 'panel',
      producer_seq: sequence,
      changes: [{ op: 'replace', path: '/value', old: '"a\\n"', new: '{"b":[1,null]}' }],
      data: { key: 'DATABASE_URL', nested: { of: [sequence, 0.1, 'ü\u2028'] } },
      attributes: { 'session.id': `s-${sequence}` },
      ...fields,
    }),
  );
}

/** `count` healthy messages, spread over the partitions. */
export const messages = (count: number, partitions = 4): Message[] =>
  Array.from({ length: count }, (_, index) => ({
    value: wireRow(),
    partition: index % partitions,
  }));
