/** Messages as kafkajs hands them over, and a backlog that holds them. */
import { Backlog, type Batch, type ConsumedMessage } from '../../consumers/backlog.ts';
import { ChunkPool } from '../../consumers/chunk-pool.ts';

export const TOPIC_ID = '0c8d7f8e-0000-4000-8000-000000000001';
export const ORIGIN = { topic: 'audit.events', topicId: TOPIC_ID, partition: 3 } as const;
export const NO_LIMITS = { maxRows: 1_000_000, maxBytes: 1 << 30 } as const;

/** A row that the ledger takes, as our own encoder would write it. */
export const WIRE_ROW = {
  wire_version: 1,
  event_id: '01936b2a-7e1c-7cc3-98c4-dc0c0c07398f',
  event_type: 'app.env_var.updated',
  category: 'infrastructure',
  operation: 'update',
  outcome: 'success',
  occurred_at: '2026-11-22T10:00:00.123456Z',
  tenant_id: 'acme',
  actor_type: 'user',
  actor_id: 'u-17',
  actor_name: 'Zoë "Z" O\\Brien',
  target_type: 'env_var',
  target_id: 'ev-9',
  related: [{ role: 'parent', type: 'app', id: 'a-1', name: 'shop' }],
  source_ip: '::ffff:192.0.2.7',
  service: 'panel',
  producer_id: '01936b2a-7e1c-7cc3-98c4-dc0c0c073990',
  producer_seq: 7,
  changes: [{ op: 'replace', path: '/value', old: '"5"', new: '{"a":[1,"}"]}' }],
  data: { scope: 'build', nested: { list: [1, 'ä}', null] } },
  weight: 1.5,
  attributes: { 'user_agent.original': 'curl/8 {"x":1}', 'session.id': 's\u0000\u2028' },
} as const;

export function message(
  offset: number,
  value: Buffer | string | null,
  more: Partial<Omit<ConsumedMessage, 'offset' | 'value'>> = {},
): ConsumedMessage {
  return {
    offset: String(offset),
    timestamp: '1795000000123',
    key: Buffer.from('acme/env_var/ev-9'),
    headers: {},
    ...more,
    value: typeof value === 'string' ? Buffer.from(value) : value,
  };
}

/** All the messages as one batch. */
export function batchOf(messages: readonly ConsumedMessage[], maxMessageBytes = 1 << 20): Batch {
  const first = Number(messages[0]?.offset ?? 0);
  const last = Number(messages.at(-1)?.offset ?? first);
  const backlog = new Backlog(new ChunkPool(0), first, maxMessageBytes);
  backlog.append(messages, last, 0);
  const batch = backlog.cutThrough(last);
  if (!batch) throw new Error('Nothing was cut');
  return batch;
}
