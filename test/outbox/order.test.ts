/** R-REC-11: the order of commits, through relays that are killed, into the ledger itself. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openScene, type Scene } from '../support/scene.ts';
import { type Postgres, postgresPrograms, query, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import {
  emptied,
  insertFor,
  openOutbox,
  type RelayProcess,
  spawnRelay,
  storedByKey,
} from './outbox-scene.ts';

const missing = 'missing' in postgresPrograms ? ` (skipped: ${postgresPrograms.missing})` : '';

describe.skipIf(missing !== '')(`R-REC-11: the outbox's order${missing}`, () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  /** What a test's own table says: which events of a key committed, in the order of commits. */
  const committedByKey = async (url: string, order: string): Promise<Map<string, string[]>> =>
    storedByKey(await query(url, `SELECT key, id FROM facts ORDER BY ${order}`));
  const COMMITTED = 'pg_xact_commit_timestamp(xmin), seq';

  it('a thousand transactions at once, relays killed at random: stored once, by key as committed', async () => {
    const url = await openOutbox(postgres);
    await query(url, 'CREATE TABLE facts (seq bigserial PRIMARY KEY, key text, id text)');
    const scene: Scene = await openScene({
      brokers: inject('brokers'),
      clickhouseUrl: inject('clickhouseUrl'),
    });
    const relays: RelayProcess[] = [];
    const start = (): number => relays.push(spawnRelay(url, scene.place.brokers, scene.topic));
    const pool = new pg.Pool({ connectionString: url, max: 60 });
    pool.on('error', () => undefined);
    try {
      scene.worker();
      start();
      start();
      let done = 0;
      const transaction = async (number: number): Promise<void> => {
        const client = await pool.connect();
        await client.query('BEGIN');
        for (let each = 0; each <= number % 3; each += 1) {
          const { text, values, key, id } = insertFor(`env-${(number * 7 + each * 5) % 20}`);
          await client.query(text, values);
          await client.query('INSERT INTO facts (key, id) VALUES ($1, $2)', [key, id]);
          await client.query('SELECT pg_sleep(random() * 0.02)');
        }
        await client.query(number % 5 === 0 ? 'ROLLBACK' : 'COMMIT');
        client.release();
        done += 1;
      };
      const load = Promise.all(Array.from({ length: 1_000 }, (_, number) => transaction(number)));
      for (const share of [200, 400, 600, 800]) {
        await until(
          `${share} transactions are done`,
          () => Promise.resolve(done),
          (count) => count >= share,
        );
        relays.at(-2)?.kill('SIGKILL');
        start();
      }
      await load;
      await emptied(url);
      await scene.judgeWhenCommitted();
      const stored = await scene.clickhouse.query<{ key: string; id: string }>(
        `SELECT concat(tenant_id, '/', target_type, '/', target_id) AS key, toString(event_id) AS id
         FROM audit_events ORDER BY kafka_partition, kafka_offset`,
      );
      const truth = await committedByKey(url, COMMITTED);
      const committed = [...truth.values()].flat();
      expect(stored).toHaveLength(committed.length);
      expect(storedByKey(stored)).toEqual(truth);
      // Controls: the numbers that are drawn before the commit are in another order.
      expect(await committedByKey(url, 'seq')).not.toEqual(truth);
      expect(await committedByKey(url, 'xmin::text::bigint, seq')).not.toEqual(truth);
    } finally {
      for (const relay of relays) relay.kill('SIGKILL');
      await pool.end();
      await scene.close();
    }
  }, 90_000);

  it('control: ids miss who commits late, and transaction ids below the horizon are out of order', async () => {
    const url = await openOutbox(postgres);
    const clients = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const client = new pg.Client({ connectionString: url });
        await client.connect();
        return client;
      }),
    );
    const [first, long, second] = clients as [pg.Client, pg.Client, pg.Client];
    await query(url, 'CREATE TABLE other (x int)');
    await query(url, 'CREATE TABLE facts (key text, id text, xid text, seq bigserial)');
    const write = async (client: pg.Client, target: string): Promise<string> => {
      const { text, values, id, key } = insertFor(target);
      await client.query(text, values);
      await client.query(
        `INSERT INTO facts (key, id, xid) VALUES ($1, $2, pg_current_xact_id()::text)`,
        [key, id],
      );
      return id;
    };
    // Three transactions get their ids in this order …
    for (const client of clients) {
      await client.query('BEGIN');
      await client.query('INSERT INTO other VALUES (1)');
    }
    // … but the third one writes first, and commits before the first one writes about the same target.
    const earlier = await write(second, 'env-1');
    await second.query('COMMIT');
    const later = await write(first, 'env-1');
    await first.query('COMMIT');

    // The horizon: everything below it has ended. It shows the later event and hides the earlier one.
    const belowHorizon = await query<{ id: string }>(
      url,
      'SELECT id FROM facts WHERE xid::xid8 < pg_snapshot_xmin(pg_current_snapshot())',
    );
    expect(belowHorizon.map(({ id }) => id)).toEqual([later]);

    // The outbox's own order has both, in the order of commits, while the long one still runs.
    const queued = await query<{ event_id: string }>(
      url,
      `SELECT event_id::text FROM ledgerline_outbox_queue JOIN ledgerline_outbox ON id = outbox_id ORDER BY position`,
    );
    expect(queued.map(({ event_id }) => event_id)).toEqual([earlier, later]);

    // A cursor over ids: the long one draws its id now, others overtake it, and it is never seen.
    const overtaken = await write(long, 'env-2');
    await first.query('BEGIN');
    await write(first, 'env-3');
    await first.query('COMMIT');
    const [{ last } = { last: '' }] = await query<{ last: string }>(
      url,
      'SELECT max(id) AS last FROM ledgerline_outbox',
    );
    await long.query('COMMIT');
    const after = await query(url, 'SELECT event_id FROM ledgerline_outbox WHERE id > $1', [last]);
    expect(after).toEqual([]);
    const all = await query<{ event_id: string }>(
      url,
      `SELECT event_id::text FROM ledgerline_outbox_queue JOIN ledgerline_outbox ON id = outbox_id ORDER BY position`,
    );
    expect(all.at(-1)?.event_id).toBe(overtaken);
    for (const client of clients) await client.end();
  });
});
