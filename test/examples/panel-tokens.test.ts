/** R-REC-11: the panel's tokens in PostgreSQL, each in one transaction with its event. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openOutbox, pendingOf, readTopic, relayAll } from '../outbox/outbox-scene.ts';
import { type Postgres, postgresPrograms, query, startPostgres } from '../support/postgres.ts';
import { openPanelWith } from './open-panel.ts';

const missing = 'missing' in postgresPrograms ? ` (skipped: ${postgresPrograms.missing})` : '';

describe.skipIf(missing !== '')(`R-REC-11: tokens in PostgreSQL${missing}`, () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  const kept = (url: string): Promise<object[]> =>
    query(url, 'SELECT tenant, id, name FROM panel_tokens');

  test('a token and its event are there together, and a relay publishes the event', async () => {
    const url = await openOutbox(postgres);
    const panel = await openPanelWith(url);
    const made = await panel.developer('POST', '/tokens', { name: 'ci' });
    expect(made).toMatchObject({
      status: 201,
      json: { name: 'ci', token: expect.stringMatching(/^pan_/) },
    });
    const { id, token } = made.json;
    expect(await kept(url)).toEqual([{ tenant: 'acme', id, name: 'ci' }]);
    expect((await panel.viewer('DELETE', `/tokens/${id}`)).status).toBe(403);
    expect((await panel.developer('DELETE', `/tokens/${id}`)).status).toBe(204);
    expect((await panel.developer('DELETE', `/tokens/${id}`)).status).toBe(404);
    expect(await kept(url)).toEqual([]);

    const actor = { id: 'u_3' };
    const target = { type: 'api_token', id, name: 'ci' };
    expect(panel.ledger).toHaveAudited('api_token.issued', { tenant: 'acme', actor, target });
    expect(panel.ledger).toHaveAudited('api_token.revoked', { actor, target, outcome: 'success' });
    expect(panel.ledger.stats()).toMatchObject({ emitted: 3, prepared: 2, accepted: 1 });
    // What is in the outbox has nothing to hide.
    const rows = await query(url, 'SELECT message_key, value FROM ledgerline_outbox');
    expect(rows).toHaveLength(2);
    expect(JSON.stringify(rows)).not.toContain(token);

    const topic = await relayAll(url, inject('brokers'));
    const prepared = panel.ledger.events.filter(({ outcome }) => outcome === 'success');
    expect(await readTopic(inject('brokers'), topic)).toMatchObject(
      prepared.map((event) => ({ id: event.id, key: `acme/api_token/${id}` })),
    );
  });

  test('where the event cannot be written there is no token, and none is revoked', async () => {
    const url = await openOutbox(postgres);
    const panel = await openPanelWith(url);
    const { json } = await panel.developer('POST', '/tokens', { name: 'first' });
    const before = await kept(url);
    await query(url, 'ALTER TABLE ledgerline_outbox ADD CHECK (event_id IS NULL) NOT VALID');
    expect((await panel.developer('POST', '/tokens', { name: 'second' })).status).toBe(500);
    expect((await panel.developer('DELETE', `/tokens/${json['id']}`)).status).toBe(500);
    expect(await kept(url)).toEqual(before);
    expect(await pendingOf(url)).toBe(1);
  });

  test('of two who revoke the same token one does, and it is on record once', async () => {
    const url = await openOutbox(postgres);
    const panel = await openPanelWith(url);
    const { json } = await panel.developer('POST', '/tokens', { name: 'ci' });
    const path = `/tokens/${json['id']}`;
    const answers = await Promise.all([
      panel.admin('DELETE', path),
      panel.developer('DELETE', path),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204, 404]));
    expect(await pendingOf(url)).toBe(2);
    expect(panel.ledger).toHaveAudited('api_token.revoked', {}, { times: 1 });
  });
});
