import { DEFAULTS, MASK } from 'ledgerline';
import { describe, expect, test } from 'vitest';
import { openPanel } from './open-panel.ts';

describe('servers and apps', () => {
  test('R-REC-01, R-REC-03: an app is created on a server: who, what, for whom, from where', async () => {
    const panel = openPanel();
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const { server } = await panel.app();
    const made = await panel.as('u_3', {
      'x-on-behalf-of': 'u_6',
      'x-forwarded-for': '203.0.113.9',
      traceparent: `00-${trace}-b7ad6b7169203331-01`,
    })('POST', '/apps', { name: 'blog', serverId: server });
    expect(made.status).toBe(201);
    expect(panel.ledger.events.map(({ type }) => type)).toEqual([
      'server.created',
      'app.created',
      'app.created',
    ]);
    expect(panel.ledger.events.at(-1)).toMatchObject({
      type: 'app.created',
      category: 'app',
      operation: 'create',
      outcome: 'success',
      tenant: 'acme',
      service: 'control-panel',
      actor: { type: 'user', id: 'u_3', name: 'Alan' },
      target: { type: 'app', id: made.json['id'], name: 'blog' },
      related: [
        { role: 'on_behalf_of', type: 'user', id: 'u_6', name: 'Katherine' },
        { role: 'parent', type: 'server', id: server, name: 'web-1' },
      ],
      sourceIp: '203.0.113.9',
      traceId: trace,
    });
  });

  test('R-REC-02: a free-form type is a line for people; a type of our own demands its reason', async () => {
    const panel = openPanel();
    const { server } = await panel.app();
    await panel.developer('POST', `/servers/${server}/notes`, { text: 'SSH key added' });
    expect(panel.ledger.events.at(-1)).toMatchObject({
      type: 'server.note',
      category: 'server',
      message: 'SSH key added',
    });
    const rule = { port: 5432, source: '10.0.0.0/8', reason: 'a replica' };
    const opened = await panel.developer('POST', `/servers/${server}/firewall-rules`, rule);
    await panel.developer('DELETE', `/firewall-rules/${opened.json['id']}`);
    expect(panel.ledger.events.slice(-2)).toMatchObject([
      { type: 'firewall.rule.opened', severity: 'medium', reason: 'a replica' },
      { type: 'firewall.rule.closed', data: { port: 5432, source: '10.0.0.0/8' } },
    ]);
  });

  test('a server is changed, rebooted and deleted; only an admin may delete it', async () => {
    const panel = openPanel();
    const { server } = await panel.app();
    await panel.developer('PATCH', `/servers/${server}`, { size: 'l', region: 'fra' });
    await panel.developer('POST', `/servers/${server}/reboots`);
    expect((await panel.developer('DELETE', `/servers/${server}`)).status).toBe(403);
    expect((await panel.admin('DELETE', `/servers/${server}`)).status).toBe(204);
    expect(panel.ledger.events.slice(2)).toMatchObject([
      { type: 'server.updated', changes: [{ op: 'replace', path: '/size', old: 's', new: 'l' }] },
      { type: 'server.rebooted', outcome: 'success' },
      { type: 'server.deleted', outcome: 'denied', error: { code: 'PERMISSION_MISSING' } },
      { type: 'server.deleted', outcome: 'success', actor: { id: 'u_1' } },
    ]);
  });

  test('R-REC-05: a variable’s old and new value are there, a secret’s are not', async () => {
    const panel = openPanel();
    const { app } = await panel.app();
    for (const value of ['info', 'debug']) {
      await panel.developer('PUT', `/apps/${app}/env/LOG_LEVEL`, { value });
    }
    for (const value of ['hunter1', 'hunter2']) {
      await panel.developer('PUT', `/apps/${app}/env/DB_PASSWORD`, { value });
    }
    expect(panel.ledger.events.slice(2)).toMatchObject([
      { type: 'app.env_var.created', changes: [{ op: 'add', new: 'info' }] },
      {
        type: 'app.env_var.updated',
        target: { type: 'env_var', id: `${app}.LOG_LEVEL`, name: 'LOG_LEVEL' },
        related: [{ role: 'parent', type: 'app', id: app }],
        changes: [{ op: 'replace', path: '/LOG_LEVEL', old: 'info', new: 'debug' }],
      },
      { type: 'app.env_var.created', changes: [{ op: 'add', new: MASK }] },
      { type: 'app.env_var.updated', changes: [{ op: 'replace', old: MASK, new: MASK }] },
    ]);
    expect(JSON.stringify(panel.ledger.transport.messages)).not.toContain('hunter');
  });

  test('R-EDGE-02: at writes_only a read is filtered, and a refused one is kept', async () => {
    const panel = openPanel({ level: DEFAULTS.level });
    const { app } = await panel.app();
    const path = `/apps/${app}/env/API_KEY`;
    await panel.developer('PUT', path, { value: 'k' });
    expect(await panel.developer('GET', path)).toMatchObject({ status: 200, json: { value: 'k' } });
    expect((await panel.viewer('GET', path)).status).toBe(403);
    expect(panel.ledger.events.slice(3)).toMatchObject([
      { type: 'app.env_var.revealed', outcome: 'denied', actor: { id: 'u_8' } },
    ]);
  });

  test('R-REC-04, R-EDGE-09: a deployment runs a command; its secrets stay here', async () => {
    const panel = openPanel();
    const { app } = await panel.app();
    const variables = { LOG_LEVEL: 'debug', DATABASE_URL: 'postgres://app:hunter2@db/shop' };
    for (const [key, value] of Object.entries(variables)) {
      await panel.developer('PUT', `/apps/${app}/env/${key}`, { value });
    }
    const path = `/apps/${app}/deployments`;
    const live = await panel.developer('POST', path, { revision: 'abc1234' });
    expect(live).toMatchObject({ status: 201, json: { state: 'live' } });
    const failed = await panel.developer('POST', path, { revision: 'release-7' });
    expect(failed).toMatchObject({ status: 201, json: { state: 'failed' } });
    expect(panel.ledger.events.slice(4)).toMatchObject([
      { type: 'deployment.started', outcome: 'success', actor: { id: 'u_3' } },
      {
        type: 'deployment.finished',
        outcome: 'success',
        actor: { id: 'u_3' },
        attributes: { 'deployment.id': live.json['id'] },
        execution: {
          exit_code: 0,
          output:
            'out| checking out abc1234\nout| migrating [masked]\nout| live with LOG_LEVEL=debug\n',
        },
      },
      { type: 'deployment.started' },
      {
        type: 'deployment.finished',
        outcome: 'failure',
        error: { code: 'EXIT_128' },
        execution: { output: expect.stringContaining('err| fatal: release-7 is no commit') },
      },
    ]);
    expect(JSON.stringify(panel.ledger.transport.messages)).not.toContain('hunter2');
  });

  test('a domain is verified once its record is found', async () => {
    const panel = openPanel();
    const { app } = await panel.app();
    const { json } = await panel.developer('POST', `/apps/${app}/domains`, {
      name: 'shop.example',
    });
    const path = `/domains/${json['id']}/verifications`;
    expect((await panel.developer('POST', path, {})).status).toBe(422);
    expect((await panel.developer('POST', path, { txtRecord: json['id'] })).status).toBe(200);
    expect(panel.ledger.events.slice(2)).toMatchObject([
      { type: 'domain.added' },
      { type: 'domain.verified', outcome: 'failure', error: { code: 'TXT_RECORD_MISSING' } },
      { type: 'domain.verified', outcome: 'success' },
    ]);
  });

  test('R-REC-08: there is no deploy key without its record', async () => {
    const panel = openPanel();
    const { app } = await panel.app();
    const key = { title: 'ci', publicKey: 'ssh-ed25519 AAAA' };
    const added = await panel.developer('POST', `/apps/${app}/deploy-keys`, key);
    expect(added).toMatchObject({ status: 201, json: { receipt: { status: 'stored' } } });
    expect((await panel.developer('DELETE', `/deploy-keys/${added.json['id']}`)).status).toBe(204);
    expect(panel.ledger.events.slice(2)).toMatchObject([
      { type: 'app.deploy_key.added', data: { fingerprint: added.json['fingerprint'] } },
      { type: 'app.deploy_key.removed', target: { id: added.json['id'], name: 'ci' } },
    ]);

    panel.ledger.transport.refuse(() => true);
    const refused = await panel.developer('POST', `/apps/${app}/deploy-keys`, key);
    expect(refused).toMatchObject({ status: 503, json: { code: 'KAFKA_REFUSED' } });
    panel.ledger.transport.recover();
    expect((await panel.developer('DELETE', `/deploy-keys/${added.json['id']}`)).status).toBe(404);
  });

  test('what is refused before there is a target is a denied permission', async () => {
    const panel = openPanel();
    const { app } = await panel.app();
    const key = { title: 'laptop', publicKey: 'ssh-ed25519 BBBB' };
    expect((await panel.viewer('POST', `/apps/${app}/deploy-keys`, key)).status).toBe(403);
    expect(panel.ledger.events.at(-1)).toMatchObject({
      type: 'authorization.permission.denied',
      outcome: 'denied',
      actor: { id: 'u_8' },
      data: { permission: 'keys:write' },
      retentionClass: 'protected',
    });
  });
});
