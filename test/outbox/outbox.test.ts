/** R-REC-11: writing, publishing, setting aside, who may do what, and what operators are told. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { migrateOutbox, openSession, retryRejected, type Session } from '../../outbox/index.ts';
import { MAX_MESSAGE_BYTES } from '../../schemas/index.ts';
import { runCli } from '../cli/run-cli.ts';
import { type Postgres, postgresPrograms, query, startPostgres } from '../support/postgres.ts';
import {
  emptied,
  insertFor,
  logged,
  makeTopic,
  openOutbox,
  readTopic,
  relayAll,
  spawnRelay,
} from './outbox-scene.ts';

const missing = 'missing' in postgresPrograms ? ` (skipped: ${postgresPrograms.missing})` : '';

describe.skipIf(missing !== '')(`R-REC-11: the outbox${missing}`, () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  const queued = (url: string, schema = 'public'): Promise<{ event_id: string }[]> =>
    query(
      url,
      `SELECT event_id::text FROM ${schema}.ledgerline_outbox_queue
       JOIN ${schema}.ledgerline_outbox ON id = outbox_id ORDER BY position`,
    );

  it('a change that is rolled back leaves no event, one that commits always does', async () => {
    const url = await openOutbox(postgres, { schema: 'audit' });
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('CREATE TABLE apps (id text)');
    const write = async (target: string, end: string): Promise<string> => {
      const { text, values, id } = insertFor(target, 'audit');
      await client.query('BEGIN');
      await client.query('INSERT INTO apps VALUES ($1)', [target]);
      await client.query(text, values);
      await client.query(end);
      return id;
    };
    await write('env-1', 'ROLLBACK');
    const id = await write('env-2', 'COMMIT');
    // A part of a transaction that is taken back takes its event with it.
    await client.query('BEGIN');
    const kept = insertFor('env-3', 'audit');
    await client.query(kept.text, kept.values);
    await client.query('SAVEPOINT part');
    const undone = insertFor('env-4', 'audit');
    await client.query(undone.text, undone.values);
    await client.query('ROLLBACK TO part');
    await client.query('COMMIT');
    await client.end();
    expect((await queued(url, 'audit')).map(({ event_id }) => event_id)).toEqual([id, kept.id]);
  });

  it('no id that a client sends aborts the change: PostgreSQL has no zero bytes in texts', async () => {
    const url = await openOutbox(postgres);
    const { text, values, id } = insertFor('env\0\ud8001');
    await query(url, text, values);
    const [written] = await query<{ event_id: string; value: string }>(
      url,
      'SELECT event_id::text, value FROM ledgerline_outbox',
    );
    expect(written?.event_id).toBe(id);
    expect(JSON.parse(written?.value ?? '')).toMatchObject({ target_id: 'env\0\ufffd1' });
  });

  it('any language writes an event with one call of the function', async () => {
    const url = await openOutbox(postgres);
    const row = { event_type: 'app.created', category: 'app', service: 'php', tenant_id: 'acme' };
    const parties = { actor_type: 'user', actor_id: 'u_7', target_type: 'app', target_id: 'app_1' };
    const [added] = await query<{ id: string }>(url, 'SELECT ledgerline_outbox_add($1) AS id', [
      JSON.stringify({ ...row, ...parties }),
    ]);
    const [written] = await query<{ event_id: string; message_key: string; value: string }>(
      url,
      'SELECT event_id::text, message_key, value FROM ledgerline_outbox',
    );
    expect(written?.event_id).toBe(added?.id);
    expect(written?.message_key).toBe('acme/app/app_1');
    expect(JSON.parse(written?.value ?? '')).toMatchObject({
      wire_version: 1,
      event_id: added?.id,
    });
  });

  it('two transactions that write the same keys the other way round both commit', async () => {
    const url = await openOutbox(postgres);
    const write = async (targets: readonly string[]): Promise<void> => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      for (const target of targets) {
        const { text, values } = insertFor(target);
        await client.query(text, values);
      }
      await client.query('COMMIT');
      await client.end();
    };
    const targets = Array.from({ length: 40 }, (_, number) => `env-${number}`);
    await Promise.all(
      Array.from({ length: 10 }, (_, number) =>
        write(number % 2 === 0 ? targets : targets.toReversed()),
      ),
    );
    expect(await queued(url)).toHaveLength(400);
  });

  it('roles may do what they have to, and nothing else', async () => {
    const [shop, relay] = [`shop_${randomUUID().slice(0, 8)}`, `relay_${randomUUID().slice(0, 8)}`];
    const owner = await postgres.database();
    await query(
      owner,
      `CREATE ROLE ${shop} LOGIN PASSWORD 'x'; CREATE ROLE ${relay} LOGIN PASSWORD 'x'`,
    );
    const migrated = await runCli(
      ['outbox', 'migrate', '--service-role', shop, '--relay-role', relay],
      { env: { LEDGERLINE_OUTBOX_URL: owner } },
    );
    expect(migrated).toMatchObject({ code: 0, stderr: '' });
    const as = (role: string): string => {
      const url = new URL(owner);
      url.username = role;
      url.password = 'x';
      return url.href;
    };
    const { text, values } = insertFor('env-1');
    await query(as(shop), text, values);
    await query(as(shop), `SELECT ledgerline_outbox_add('{"actor_type":"a","actor_id":"b"}')`);
    const denied = /permission denied/;
    await expect(query(as(shop), 'SELECT * FROM ledgerline_outbox')).rejects.toThrow(denied);
    await expect(query(as(shop), 'DELETE FROM ledgerline_outbox')).rejects.toThrow(denied);
    await expect(
      query(as(shop), 'INSERT INTO ledgerline_outbox_queue (outbox_id) VALUES (1)'),
    ).rejects.toThrow(denied);
    // The trigger on a table of one's own would write to the queue with its owner's rights.
    await expect(
      query(
        as(shop),
        `CREATE TEMP TABLE own (id bigint, message_key text);
         CREATE TRIGGER own AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION ledgerline_outbox_enqueue();
         INSERT INTO own VALUES (1, 'key')`,
      ),
    ).rejects.toThrow(denied);
    await expect(query(as(relay), `UPDATE ledgerline_outbox SET value = 'other'`)).rejects.toThrow(
      denied,
    );

    const topic = `outbox.${randomUUID()}`;
    await makeTopic(inject('brokers'), topic);
    const running = spawnRelay(as(relay), inject('brokers'), topic);
    await emptied(owner);
    // The one without an event's required columns was set aside; the relay's role can put it back.
    expect(await within(as(relay), (session) => retryRejected(session, 'public', 'all'))).toBe(1);
    running.kill('SIGTERM');
    expect(await running.exited).toBe(0);
  });

  it('what cannot be an event is set aside with its reason, and the rest goes on', async () => {
    const url = await openOutbox(postgres);
    const insert = (value: string, id: string = randomUUID()): Promise<unknown> =>
      query(
        url,
        'INSERT INTO ledgerline_outbox (event_id, message_key, value) VALUES ($1, $2, $3)',
        [id, 'acme/app/1', value],
      );
    const good = insertFor('env-1');
    await insert('{"wire_version":1,');
    await insert('{"wire_version":1}');
    // Its fault is told by a key that PostgreSQL's text cannot hold.
    const nul = insertFor('env-1');
    const wire = JSON.parse(nul.values[2]) as object;
    await insert(JSON.stringify({ ...wire, attributes: { 'a\0b': 1 } }), nul.id);
    await insert(good.values[2]);
    await insert(`"${'x'.repeat(MAX_MESSAGE_BYTES)}"`);
    await query(url, good.text, good.values);
    const topic = `outbox.${randomUUID()}`;
    await makeTopic(inject('brokers'), topic);
    const relay = spawnRelay(url, inject('brokers'), topic);
    await emptied(url);
    await logged(relay, 'events were set aside');

    // An idle relay is rung: the next event is published long before it would look by itself.
    const next = insertFor('env-1');
    await query(url, next.text, next.values);
    await emptied(url);

    const env = { LEDGERLINE_OUTBOX_URL: url };
    const status = await runCli(['outbox', 'status', '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({
      pending: 0,
      oldestSeconds: null,
      published: 2,
      relay: true,
      rejected: { not_json: 1, not_a_row: 2, id_mismatch: 1, too_large: 1 },
    });
    // Repaired where it lies, and put back.
    const fixed = insertFor('env-2');
    await query(
      url,
      `UPDATE ledgerline_outbox_rejected SET value = $1, event_id = $2 WHERE reason = 'not_json'`,
      [fixed.values[2], fixed.id],
    );
    const [{ id } = { id: '' }] = await query<{ id: string }>(
      url,
      `SELECT id::text FROM ledgerline_outbox_rejected WHERE reason = 'not_json'`,
    );
    const retried = await runCli(['outbox', 'retry', id], { env });
    expect(retried).toMatchObject({ code: 0, stdout: '1 event put back\n' });
    await emptied(url);
    relay.kill('SIGTERM');
    expect(await relay.exited).toBe(0);
    const sent = await readTopic(inject('brokers'), topic);
    expect(sent.map((message) => message.id).toSorted()).toEqual(
      [good.id, next.id, fixed.id].toSorted(),
    );
    expect(sent.every(({ mayRepeat }) => mayRepeat)).toBe(true);
  });

  it('a relay compresses what it sends where it is told to: what is too large otherwise gets through', async () => {
    const url = await openOutbox(postgres);
    const { text, values, id } = insertFor('env-1');
    const wire = JSON.parse(values[2]) as object;
    await query(url, text, [
      id,
      values[1],
      JSON.stringify({ ...wire, message: 'x'.repeat(20_000) }),
    ]);
    const topic = await relayAll(url, inject('brokers'), {
      env: { LEDGERLINE_KAFKA_COMPRESSION: 'gzip' },
      topicSettings: [{ name: 'max.message.bytes', value: '5000' }],
    });
    expect(await query(url, 'SELECT reason FROM ledgerline_outbox_rejected')).toEqual([]);
    expect(await readTopic(inject('brokers'), topic)).toMatchObject([{ id }]);
  });

  it('an event whose row somebody deleted by hand does not hold up the others', async () => {
    const url = await openOutbox(postgres);
    for (const target of ['env-1', 'env-2']) {
      const { text, values } = insertFor(target);
      await query(url, text, values);
    }
    await query(url, 'DELETE FROM ledgerline_outbox WHERE id = 1');
    await relayAll(url, inject('brokers'));
    expect(await query(url, 'SELECT * FROM ledgerline_outbox_queue')).toEqual([]);
  });

  it('one line, a way out, within ten seconds: no PostgreSQL, wrong password, no table', async () => {
    const empty = await postgres.database();
    const place = `127.0.0.1:${postgres.port}${new URL(empty).pathname}`;
    await expect(openSession(empty.replace(postgres.password, 'wrong'))).rejects.toMatchObject({
      code: 'POSTGRES_REFUSED',
      message: `PostgreSQL at ${place} refused the credentials.`,
    });
    await expect(openSession(`${empty}_none`)).rejects.toThrow('has no such database');
    const cases = [
      [
        'relay',
        'postgres://u:canary@127.0.0.1:1/shop',
        'No answer from PostgreSQL at 127.0.0.1:1/',
      ],
      ['status', empty, 'ledgerline outbox migrate'],
    ] as const;
    for (const [command, url, text] of cases) {
      const ran = await runCli(['outbox', command], { env: { LEDGERLINE_OUTBOX_URL: url } });
      expect(ran.stderr).toContain(text);
      expect(ran.stderr).not.toContain('canary');
      expect(ran.stderr.trim().split('\n')).toHaveLength(1);
      expect(ran.code).toBe(1);
      expect(ran.ms).toBeLessThan(10_000);
    }
    const misspelt = await runCli(['outbox', 'status'], {
      env: { LEDGERLINE_OUTBOX_URLS: 'x', LEDGERLINE_OUTBOX_POLL_MS: 'soon' },
    });
    expect(misspelt.code).toBe(2);
    expect(misspelt.stderr).toContain('LEDGERLINE_OUTBOX_URLS: unknown option');
    expect(misspelt.stderr).toContain('LEDGERLINE_OUTBOX_POLL_MS');
  });

  it('migrations: twice and at once change nothing more, and the printed SQL is the same', async () => {
    const url = await postgres.database();
    const migrate = (to: string): Promise<string[]> =>
      within(to, (session) => migrateOutbox(session, 'audit'));
    const both = await Promise.all([migrate(url), migrate(url)]);
    expect(both.flat()).toEqual(['0001_outbox.sql']);
    const other = await postgres.database();
    const { stdout: sql } = await runCli(['outbox', 'sql'], {
      env: { LEDGERLINE_OUTBOX_SCHEMA: 'audit' },
    });
    await query(other, sql);
    expect(await migrate(other)).toEqual([]);
  });
});

async function within<T>(url: string, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(url);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}
