import { join } from 'node:path';
import { DEFAULTS } from 'ledgerline';
import { describe, expect, test } from 'vitest';
import { own } from '../../examples/panel/catalog.ts';
import { openPanel } from './open-panel.ts';

describe('people', () => {
  test('R-REC-08: a role is granted on the record, by those who may', async () => {
    const panel = openPanel({ level: 'failures_only' });
    const role = { role: 'developer', reason: 'joined the team' };
    expect((await panel.developer('PUT', '/team/u_8/role', role)).status).toBe(403);
    expect(await panel.admin('PUT', '/team/u_8/role', role)).toMatchObject({ status: 200 });
    expect(panel.ledger.events).toMatchObject([
      { type: 'authorization.role.granted', outcome: 'denied', actor: { id: 'u_3' } },
      {
        type: 'authorization.role.granted',
        outcome: 'success',
        target: { type: 'user', id: 'u_8' },
        reason: 'joined the team',
        changes: [{ op: 'replace', path: '/role', old: 'viewer', new: 'developer' }],
      },
    ]);
  });

  test('every sign-in is there, also that of somebody unknown', async () => {
    const panel = openPanel();
    expect((await panel.admin('POST', '/sessions', { user: 'u_2' })).status).toBe(201);
    expect((await panel.admin('POST', '/sessions', { user: 'mallory' })).status).toBe(401);
    expect(panel.ledger.events).toMatchObject([
      { type: 'security.sign_in.attempted', outcome: 'success', actor: { id: 'u_2' } },
      { type: 'security.sign_in.attempted', outcome: 'denied', actor: { type: 'anonymous' } },
    ]);
  });

  test('who does not say who they are gets nothing; a wrong body says what is wrong', async () => {
    const panel = openPanel();
    expect((await panel.as('nobody')('GET', '/tools')).status).toBe(401);
    const reply = await panel.admin('POST', '/servers', { name: 'web-1', region: 'fra' });
    expect(reply).toMatchObject({ status: 400, json: { code: 'BODY_INVALID' } });
    expect(panel.ledger.events).toEqual([]);
  });
});

describe('contacts', () => {
  const contact = (email: string) => ({
    name: 'Contact 1',
    email,
    phone: '1',
    address: { city: 'Berlin', country: 'DE' },
    tags: ['a'],
  });

  test('R-REC-05, R-REC-10: which fields of whom, nested ones too; a taken address fails', async () => {
    const panel = openPanel();
    const { json } = await panel.support('POST', '/contacts', contact('a@example.com'));
    await panel.support('POST', '/contacts', contact('b@example.com'));
    const path = `/contacts/${json['id']}`;
    await panel.support('GET', path);
    const patch = { phone: '2', address: { city: 'Lyon' }, tags: ['a'] };
    expect(await panel.support('PATCH', path, patch)).toMatchObject({
      status: 200,
      json: { phone: '2', address: { city: 'Lyon', country: 'DE' } },
    });
    expect((await panel.support('PATCH', path, { email: 'b@example.com' })).status).toBe(409);
    expect((await panel.viewer('PATCH', path, { phone: '3' })).status).toBe(403);
    expect(panel.ledger.events.slice(2)).toMatchObject([
      { type: 'contact.viewed', operation: 'read' },
      {
        type: 'contact.updated',
        outcome: 'success',
        changes: [
          { op: 'replace', path: '/phone', old: '1', new: '2' },
          { op: 'replace', path: '/address/city', old: 'Berlin', new: 'Lyon' },
        ],
      },
      { type: 'contact.updated', outcome: 'failure', error: { code: 'EMAIL_TAKEN' } },
      { type: 'contact.updated', outcome: 'denied' },
    ]);
  });

  test('taking all contacts out is an export, refused or not', async () => {
    const panel = openPanel();
    expect((await panel.support('GET', '/contacts')).status).toBe(403);
    expect((await panel.admin('GET', '/contacts')).status).toBe(200);
    expect(panel.ledger.events).toMatchObject([
      { type: 'contact.list.exported', operation: 'export', outcome: 'denied' },
      { type: 'contact.list.exported', outcome: 'success', data: { format: 'json', count: 0 } },
    ]);
  });
});

describe('the gateway', () => {
  const tool = { name: 'search', server: 'one', restricted: false, maxInputBytes: 40 };

  test('R-REC-10: reads and calls, and why a call failed or was denied', async () => {
    const panel = openPanel();
    const { json } = await panel.admin('POST', '/tools', tool);
    const shell = await panel.admin('POST', '/tools', { ...tool, name: 'shell', restricted: true });
    const path = `/tools/${json['id']}`;
    const input = { input: { q: 'x' } };
    await panel.viewer('GET', '/health');
    await panel.viewer('GET', '/tools');
    await panel.viewer('GET', path);
    expect((await panel.viewer('POST', `${path}/invocations`, input)).status).toBe(200);
    const large = { input: { q: 'x'.repeat(50) } };
    expect((await panel.viewer('POST', `${path}/invocations`, large)).status).toBe(413);
    const shellPath = `/tools/${shell.json['id']}/invocations`;
    expect((await panel.viewer('POST', shellPath, input)).status).toBe(403);
    expect((await panel.viewer('DELETE', path)).status).toBe(403);
    expect((await panel.admin('DELETE', path)).status).toBe(204);
    expect(panel.ledger.events.slice(2)).toMatchObject([
      { type: 'gateway.health.checked', actor: { type: 'system' } },
      { type: 'gateway.tool.listed', data: { count: 2 } },
      { type: 'gateway.tool.read', target: { type: 'tool', name: 'search' } },
      { type: 'gateway.tool.invoked', outcome: 'success', data: { inputBytes: 9 } },
      { type: 'gateway.tool.invoked', outcome: 'failure', error: { code: 'INPUT_TOO_LARGE' } },
      { type: 'gateway.tool.invoked', outcome: 'denied', target: { name: 'shell' } },
      { type: 'gateway.tool.deleted', outcome: 'denied' },
      { type: 'gateway.tool.deleted', outcome: 'success' },
    ]);
  });

  test('R-EDGE-02: at writes_only the reads are counted and go no further', async () => {
    const panel = openPanel({ level: DEFAULTS.level });
    for (let times = 0; times < 5; times += 1) await panel.viewer('GET', '/tools');
    expect(panel.ledger.events).toEqual([]);
    expect(panel.ledger.stats()).toMatchObject({ emitted: 5, filtered: { level: 5 } });
    // R-EDGE-10: Prometheus is told the same numbers.
    expect(await panel.metrics()).toContain(
      'ledgerline_events_not_stored_total{category="gateway",cause="level"} 5',
    );
  });
});

describe('configuration backups', () => {
  const FOUR = [
    'config_backup.manual.triggered',
    'config_backup.snapshot.created',
    'config_backup.diff.generated',
    'config_backup.snapshot.duplicate_skipped',
  ];

  test('R-REC-06: the four events mean exactly what happened', async () => {
    const panel = openPanel();
    const back = (trigger: string, configuration: string) =>
      panel.developer('POST', '/devices/core-1/backups', {
        trigger,
        resourceType: 'router',
        configuration,
      });
    expect((await back('schedule', 'a\nb')).status).toBe(201);
    expect((await back('manual', 'a\nc\nd')).status).toBe(201);
    expect((await back('schedule', 'a\nc\nd')).status).toBe(200);
    const events = panel.ledger.events;
    expect(events.map(({ type }) => type)).toEqual([FOUR[1], ...FOUR]);
    for (const event of events) {
      expect(event).toMatchObject({
        tenant: 'acme',
        target: { type: 'device', id: 'core-1' },
        data: { resourceType: 'router' },
      });
    }
    expect(events[3]).toMatchObject({ data: { addedLines: 2, removedLines: 1 } });
    const [first, , second] = events;
    expect(second?.data).not.toEqual(first?.data);
  });

  test('R-REC-06: who may not trigger one by hand is refused, on the record', async () => {
    const panel = openPanel();
    const body = { trigger: 'manual', resourceType: 'router', configuration: 'a' };
    expect((await panel.viewer('POST', '/devices/core-1/backups', body)).status).toBe(403);
    expect(panel.ledger.events).toMatchObject([{ type: FOUR[0], outcome: 'denied' }]);
  });

  test('R-REC-06: the four are the same under the names they have always had', async () => {
    const panel = openPanel();
    const report = (action: string, more: object = {}) =>
      panel.developer('POST', '/devices/edge-1/reports', {
        action,
        resourceType: 'switch',
        ...more,
      });
    await report('config_backup_manual_trigger');
    await report('config_snapshot_created', { snapshotId: 'snap-1' });
    await report('config_diff_generated', { details: { lines: 3 } });
    const last = await report('config_snapshot_skipped_duplicate');
    expect(last).toMatchObject({ status: 202, json: { status: 'accepted' } });
    const events = panel.ledger.events;
    expect(events.map(({ type }) => type)).toEqual(FOUR);
    expect(events[2]).toMatchObject({
      data: { resourceType: 'switch', details: { lines: 3 } },
      related: [{ role: 'on_behalf_of', type: 'device', id: 'edge-1' }],
    });
  });
});

describe('the panel’s own', () => {
  test('R-REC-10: what it declares it says, all of it', async () => {
    const panel = openPanel();
    const { server } = await panel.app();
    const rule = { port: 5432, source: '10.0.0.0/8', reason: 'a replica' };
    const opened = await panel.developer('POST', `/servers/${server}/firewall-rules`, rule);
    await panel.developer('DELETE', `/firewall-rules/${opened.json['id']}`);
    const made = await panel.developer('POST', '/tokens', { name: 'ci' });
    await panel.developer('DELETE', `/tokens/${made.json['id']}`);
    expect(panel.ledger).toExerciseCatalog(own);
    expect(panel.ledger.errors).toEqual([]);
  });

  test('R-EDGE-09: a token is known by its hash, and cannot be read', async () => {
    const panel = openPanel();
    const { json } = await panel.developer('POST', '/tokens', { name: 'ci' });
    expect((await panel.viewer('DELETE', `/tokens/${json['id']}`)).status).toBe(403);
    expect((await panel.developer('DELETE', `/tokens/${json['id']}`)).status).toBe(204);
    const [issued, ...rest] = panel.ledger.events;
    expect(issued).toMatchObject({
      type: 'api_token.issued',
      data: { token: expect.stringContaining('panel-1') },
    });
    expect(rest).toMatchObject([
      { type: 'api_token.revoked', outcome: 'denied' },
      { type: 'api_token.revoked', outcome: 'success' },
    ]);
    expect(json['token']).toMatch(/^pan_/);
    expect(JSON.stringify(panel.ledger.transport.messages)).not.toContain(json['token']);
  });

  test('R-EDGE-07: its policy file samples calls, and the weights say how many there were', async () => {
    const policy = join(import.meta.dirname, '../../examples/panel/policy.yaml');
    const panel = openPanel({ policy });
    const tool = { name: 'search', server: 'one', restricted: false, maxInputBytes: 40 };
    const { json } = await panel.admin('POST', '/tools', tool);
    const path = `/tools/${json['id']}/invocations`;
    for (let n = 0; n < 200; n += 1) {
      expect((await panel.viewer('POST', path, { input: { n } })).status).toBe(200);
    }
    expect((await panel.viewer('POST', path, { input: { q: 'x'.repeat(50) } })).status).toBe(413);
    const calls = panel.ledger.events.filter(({ type }) => type === 'gateway.tool.invoked');
    const sampled = calls.filter(({ outcome }) => outcome === 'success');
    const { sampled_out } = panel.ledger.stats().filtered;
    expect(sampled.length + sampled_out).toBe(200);
    expect(sampled.length).toBeGreaterThan(20);
    for (const { policy: stamp } of sampled) {
      expect(stamp).toMatchObject({ rule: 'sample-tool-calls', weight: 4 });
    }
    expect(calls.length).toBe(sampled.length + 1);
  });
});
