import { daysAgo, type Row, row } from './support.ts';

/** A week of one small tenant, with something in it for each question that the guide asks. */
export const ASKED = {
  tenant: 'acme',
  event_id: '0198c0de-0000-7000-8000-0000000000aa',
  since: daysAgo(7).slice(0, -1),
  target_type: 'app',
  target_id: 'app_1',
  path: '/replicas',
  actor_type: 'user',
  actor_id: 'usr_1',
  network: '::ffff:10.0.0.0/120',
  correlation: 'req-1',
  text: 'ops-42',
};

const MINUTE = 1 / 1440;
const HOUR_MS = 3_600_000;
/** The beginning of an hour on the first of the seven days, so that minutes later are of the same hour. */
const FIRST_HOUR =
  (Date.now() - Math.floor((Date.now() - 156 * HOUR_MS) / HOUR_MS) * HOUR_MS) / (24 * HOUR_MS);
const at = (daysLater: number, minutes = 0): string =>
  daysAgo(FIRST_HOUR - daysLater - minutes * MINUTE);

const acme = { tenant_id: 'acme', actor_name: 'Ada', source_ip: '10.0.0.7', occurred_at: at(0) };
const app = { ...acme, target_type: 'app', target_id: 'app_1', target_name: 'storefront' };
const protectedTrail = { retention_class: 'protected', severity: 'medium' };
const times = (count: number, make: (i: number) => Row): Row[] =>
  Array.from({ length: count }, (_, i) => make(i));

export const weekOfAcme = (): Row[] => [
  row({ ...app, event_type: 'app.created', operation: 'create', occurred_at: at(0, -30) }),
  row({ ...app, event_id: ASKED.event_id, data: '{"environment":"production"}' }),
  row({
    ...app,
    event_type: 'app.updated',
    operation: 'update',
    reason: 'ticket OPS-42',
    weight: 10,
    changes: [{ op: 'replace', path: '/replicas', old: '2', new: '3' }],
    occurred_at: at(0, 1),
  }),
  row({
    ...acme,
    event_type: 'env_var.updated',
    operation: 'update',
    target_type: 'env_var',
    target_id: 'env_1',
    related: [{ role: 'parent', type: 'app', id: 'app_1', name: 'storefront' }],
    data: '{"environment":"production"}',
    occurred_at: at(0, 2),
  }),
  row({
    ...app,
    operation: 'execute',
    execution: '{"command":"ls","exit_code":2}',
    outcome: 'failure',
    error_code: 'COMMAND_FAILED',
    occurred_at: at(0, 3),
  }),
  row({
    ...app,
    outcome: 'denied',
    error_code: 'FORBIDDEN',
    correlation_id: 'req-1',
    occurred_at: at(0, 4),
  }),
  row({ ...app, outcome: 'success', source_ip: '10.0.0.8', occurred_at: at(0, 5) }),
  // Another day, from elsewhere.
  row({ ...app, source_ip: '192.0.2.1', outcome: 'success', occurred_at: at(1) }),
  ...times(6, (i) =>
    row({
      ...acme,
      ...protectedTrail,
      event_type: 'session.started',
      category: 'security',
      actor_id: `usr_${20 + (i % 3)}`,
      source_ip: '203.0.113.9',
      outcome: 'failure',
      occurred_at: at(2, i),
    }),
  ),
  row({
    ...acme,
    ...protectedTrail,
    event_type: 'member.role_changed',
    category: 'authorization',
    operation: 'update',
    target_type: 'member',
    target_id: 'usr_9',
    changes: [{ op: 'replace', path: '/role', old: '"viewer"', new: '"owner"' }],
    reason: 'covers for a colleague',
    occurred_at: at(3),
  }),
  ...times(12, (i) =>
    row({
      ...acme,
      actor_id: 'usr_3',
      event_type: 'contact.deleted',
      category: 'contacts',
      operation: 'delete',
      target_type: 'contact',
      target_id: `contact_${i}`,
      occurred_at: at(4, i),
    }),
  ),
  row({
    ...acme,
    actor_id: 'usr_4',
    event_type: 'contact.exported',
    category: 'contacts',
    operation: 'export',
    target_type: 'contact',
    target_id: 'contact_50',
    occurred_at: at(4),
  }),
  row({
    ...protectedTrail,
    tenant_id: 'default',
    event_type: 'ledger.retention.changed',
    category: 'ledger',
    actor_id: 'ops',
    reason: 'data protection review',
    occurred_at: at(5),
  }),
  row({ ...app, tenant_id: 'other', actor_id: 'stranger' }),
];
