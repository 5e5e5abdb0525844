import { expect, inject, test } from 'vitest';
import { applyRetention, plannedMigrations, readRetention } from '../../clickhouse/index.ts';
import { carry } from '../support/carry.ts';
import { clusterOfOne, withoutCluster } from './cluster-of-one.ts';
import { row } from './support.ts';

const MESSAGES = 300;

test('R-DLV-01 through Distributed tables a worker stores every offset once, and the bad one in quarantine', async () => {
  const { clickhouse, config } = await clusterOfOne();
  const proof = await carry(MESSAGES, {
    brokers: inject('brokers'),
    clickhouse,
    environment: {
      LEDGERLINE_CLICKHOUSE_URL: config.url,
      LEDGERLINE_CLICKHOUSE_DATABASE: config.database,
      LEDGERLINE_CLICKHOUSE_CLUSTER: config.cluster,
    },
  });
  expect(proof).toMatchObject({ sound: true, totals: { stored: MESSAGES - 1, quarantined: 1 } });

  const [kept] = await clickhouse.query<{ here: string; there: string }>(
    'SELECT (SELECT count() FROM audit_events) AS here, (SELECT count() FROM audit_events_local) AS there',
  );
  expect(kept).toEqual({ here: String(MESSAGES - 1), there: String(MESSAGES - 1) });
}, 90_000);

test('R-DLV-01 through the Distributed table a token is known again, a lease is checked, a constraint names its row', async () => {
  const { clickhouse } = await clusterOfOne();
  const insert = async (token: string, rows: readonly object[], lease: number): Promise<void> => {
    await clickhouse.insert({
      table: 'audit_events',
      columns: [...Object.keys(row()), 'lease'],
      format: 'JSONEachRow',
      body: rows.map((one) => Buffer.from(`${JSON.stringify({ ...one, lease })}\n`)),
      settings: {
        async_insert: 0,
        date_time_input_format: 'best_effort',
        insert_deduplication_token: token,
      },
    });
  };
  const count = async (): Promise<string | undefined> =>
    (await clickhouse.query<{ n: string }>('SELECT count() AS n FROM audit_events'))[0]?.n;
  const later = Math.floor(Date.now() / 1000) + 60;
  const two = [row(), row()];
  await insert('token', two, later);
  await insert('token', two, later);
  expect(await count()).toBe('2');
  await expect(insert('late', two, later - 120)).rejects.toMatchObject({ engineCode: 395 });
  await expect(insert('bad', [row(), row({ actor_id: '' })], later)).rejects.toMatchObject({
    engineCode: 469,
    constraint: 'actor_id_is_set',
    row: 2,
  });
  expect(await count()).toBe('2');

  expect(await plannedMigrations(clickhouse)).toEqual([]);
  const [ttl] = await plannedMigrations(clickhouse, { retention: { standard: 30 } });
  expect(ttl?.statements[0]).toContain('ALTER TABLE audit_events_local ON CLUSTER `audit`');
  expect((await readRetention(clickhouse))['standard']).toBe(90);
  expect((await applyRetention(clickhouse, {})).changed).toBe(false);
});

test('the engine makes every table of every migration, replicated as on a cluster', async () => {
  const { clickhouse } = await clusterOfOne();
  const database = 'replicated';
  await clickhouse.command(`CREATE DATABASE ${database}`, { database: 'default' });
  const [, ...steps] = await plannedMigrations(clickhouse, { database });
  for (const { statements } of steps) {
    for (const sql of statements) {
      // Here no replica ever becomes active, and only an active one takes an ALTER.
      if (/^ALTER TABLE (?:\w+_local|audit_holds) /.test(sql)) continue;
      await clickhouse.command(withoutCluster(sql), { database });
    }
  }
  const engines = await clickhouse.query<{ name: string; engine: string }>(
    'SELECT name, engine FROM system.tables WHERE database = {database:String}',
    { params: { database } },
  );
  const spread = engines.filter(({ engine }) => engine === 'Distributed').map(({ name }) => name);
  const kept = engines
    .filter(({ engine }) => engine.startsWith('Replicated'))
    .map(({ name }) => name);
  expect(spread).toEqual(expect.arrayContaining(['audit_events', 'audit_quarantine']));
  expect(kept).toEqual(expect.arrayContaining(spread.map((name) => `${name}_local`)));
  expect(
    engines.filter(
      ({ engine }) => /^\w*MergeTree$/.test(engine) && !engine.startsWith('Replicated'),
    ),
  ).toEqual([]);
});
