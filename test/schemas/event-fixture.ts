import type { AuditEvent } from '../../schemas/index.ts';

/** An event with every field, in the form that decodeRow gives. */
export const WHOLE: AuditEvent = {
  id: '019ab1c2-7d3e-7a41-9c0f-2b6a51d8e7f4',
  type: 'app.env_var.updated',
  version: 2,
  category: 'app',
  operation: 'update',
  outcome: 'denied',
  severity: 'low',
  occurredAt: '2026-11-22T10:00:00.123456Z',
  tenant: 'tenant-17',
  actor: { type: 'user', id: 'usr_1', name: 'Zoë "Z" \\ Müller' },
  target: { type: 'env_var', id: 'env_8842', name: 'DATABASE_URL' },
  related: [
    { role: 'parent', type: 'app', id: 'app_312', name: 'storefront' },
    { role: 'on_behalf_of', type: 'team', id: 'team_1' },
  ],
  sourceIp: '203.0.113.77',
  service: 'control-panel',
  producer: { id: '019ab1c2-0000-7a41-9c0f-2b6a51d8e7f4', seq: 123_456 },
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  correlationId: 'req-8f3e2a91',
  reason: 'rotation of credentials',
  message: 'DATABASE_URL changed\nby hand',
  error: { code: 'FORBIDDEN', message: 'not the owner' },
  changes: [
    { op: 'replace', path: '/value', old: '5', new: 5 },
    { op: 'add', path: '/nested~1key', new: { a: [1, null, 'ü'] } },
    { op: 'remove', path: '/gone', old: null },
  ],
  data: { key: 'DATABASE_URL', scope: 'production', restarted: true, nested: { none: null } },
  execution: { command: 'printenv', exitCode: 0 },
  retentionClass: 'archive',
  policy: { level: 'writes_only', rule: 'keep-env', weight: 12.5 },
  attributes: { 'user_agent.original': 'curl/8', 'host.name': 'panel-3' },
};

/** An event with only what every event must have. */
export const BARE: AuditEvent = {
  id: '019ab1c2-7d3e-7a41-9c0f-2b6a51d8e7f4',
  type: 'server.note',
  version: 1,
  category: 'server',
  operation: 'unknown',
  outcome: 'success',
  severity: 'informational',
  occurredAt: '2026-11-22T10:00:00.000000Z',
  tenant: 'default',
  actor: { type: 'system', id: 'cron' },
  service: 'control-panel',
};
