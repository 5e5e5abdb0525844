/**
 * Every rule that the table enforces has its twin in the slow path: a row that only the engine refuses
 * would stop the worker after a few of its kind, so that one producer with a wrong clock could hold up all.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { judge } from '../../consumers/judge.ts';
import { wireRow } from '../support/scene.ts';

const migration = readFileSync(
  new URL('../../clickhouse/migrations/0001_ledger.sql', import.meta.url),
  'utf8',
);
const [ledgerTable = ''] = migration.split(/CREATE TABLE IF NOT EXISTS audit_quarantine/);
const constraints = [...ledgerTable.matchAll(/CONSTRAINT (\w+) CHECK/g)].map(
  ([, name]) => name ?? '',
);

const NOW = Date.parse('2026-11-22T12:00:00Z');
const expiry = { nowMs: NOW, daysOf: (name: string) => (name === 'standard' ? 90 : undefined) };

/** For each constraint, a row that breaks it and no other. */
const broken: Record<string, Record<string, unknown>> = {
  wire_version_is_1: { wire_version: 0 },
  event_id_is_set: { event_id: '00000000-0000-0000-0000-000000000000' },
  event_type_is_set: { event_type: '' },
  category_is_set: { category: '' },
  tenant_id_is_set: { tenant_id: '' },
  actor_type_is_set: { actor_type: '' },
  actor_id_is_set: { actor_id: '' },
  service_is_set: { service: '' },
  weight_is_at_least_1: { weight: 0.5 },
  occurred_at_is_plausible: { occurred_at: '2026-11-24T00:00:00Z' },
  protected_trail_is_kept: { category: 'security' },
  retention_class_is_known: { retention_class: 'never_heard_of' },
  not_expired: { occurred_at: '2026-01-01T00:00:00Z' },
};
/** Filled by the worker, never by a message. */
const OURS = ['kafka_topic_id_is_set'];

const fine = { occurred_at: '2026-11-22T11:00:00Z' };

describe('the constraints of audit_events', () => {
  it('are all known here', () => {
    expect([...Object.keys(broken), ...OURS].sort()).toEqual([...constraints].sort());
  });

  it.each(Object.entries(broken))('%s is judged by us too', (_name, fields) => {
    const verdict = judge(Buffer.from(wireRow({ ...fine, ...fields })), expiry);
    expect(verdict.kind).toBe('rejected');
  });

  it('and a row that breaks none is fine', () => {
    expect(judge(Buffer.from(wireRow(fine)), expiry)).toEqual({ kind: 'fine' });
  });
});
