import { expect, test } from 'vitest';
import {
  type ClickHouse,
  ClickHouseError,
  EVERY_TENANT,
  type InsertAtWork,
  openExport,
  planExport,
} from '../../clickhouse/index.ts';
import { until } from '../support/until.ts';
import { type Ledger, ledgerForTest, row } from './support.ts';

const OPTIONS = { tenant: EVERY_TENANT, format: 'ndjson' } as const;

test('R-ASK-08 an export holds whatever was stored until its moment, however slow an insert is that straddles it', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([row(), row()]);
  // Rows get their time when the statement begins, and are seen when it ends.
  const slow = clickhouse.command(
    `INSERT INTO audit_events (wire_version, event_id, event_type, category, occurred_at, actor_type, actor_id, service, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp)
     SELECT 1, generateUUIDv4(), 'app.created', 'app', now64(6) - sleepEachRow(0.5), 'user', 'slow', 's', 't', generateUUIDv4(), 7, number, now64(3) FROM numbers(4)`,
    {
      settings: {
        max_block_size: 1,
        min_insert_block_size_rows: 0,
        min_insert_block_size_bytes: 0,
      },
    },
  );
  await until(
    'the insert is at work',
    () =>
      clickhouse.query<{ n: string }>(
        "SELECT count() AS n FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%system.processes%'",
      ),
    ([found]) => found?.n === '1',
  );
  const plan = await planExport(clickhouse, '', OPTIONS);
  let text = '';
  for await (const chunk of await openExport(clickhouse, plan, OPTIONS)) text += String(chunk);
  await slow;
  const [stored] = await clickhouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM audit_events WHERE ingested_at <= fromUnixTimestamp64Milli({until:Int64})',
    { params: { until: Date.parse(plan.storedUntil) } },
  );
  expect(plan.rows).toBe(2);
  expect(text.trimEnd().split('\n')).toHaveLength(2);
  expect(stored?.rows).toBe('2');
  expect((await planExport(clickhouse, '', OPTIONS)).rows).toBe(6);
});

/** An insert that is at work until it is ended, or a minute at most; resolves once it has begun. */
async function hanging({ clickhouse }: Ledger, table: string) {
  const ended = clickhouse
    .command(
      `INSERT INTO ${table} (wire_version, event_id, event_type, category, occurred_at, actor_type, actor_id, service, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp)
       SELECT 1, generateUUIDv4(), 'app.created', 'app', now64(6) - sleepEachRow(0.1), 'user', 'slow', 's', 't', generateUUIDv4(), 7, number, now64(3) FROM numbers(600)`,
      {
        settings: {
          max_block_size: 1,
          min_insert_block_size_rows: 0,
          min_insert_block_size_bytes: 0,
        },
      },
    )
    .catch(() => undefined);
  const [found] = await until(
    'the insert is at work',
    () =>
      clickhouse.query<{ id: string }>(
        'SELECT query_id AS id FROM system.processes WHERE query LIKE {start:String} AND current_database = {database:String} AND elapsed > 0.3',
        { params: { start: `INSERT INTO ${table} (%`, database: clickhouse.database } },
      ),
    (rows) => rows.length === 1,
  );
  return {
    id: found?.id,
    async end(): Promise<void> {
      await clickhouse.command('KILL QUERY WHERE query_id = {id:String}', {
        params: { id: found?.id },
      });
      await ended;
      await until(
        'the engine has ended it',
        () =>
          clickhouse.query<{ n: string }>(
            'SELECT count() AS n FROM system.processes WHERE query_id = {id:String}',
            { params: { id: found?.id } },
          ),
        ([row]) => row?.n === '0',
      );
    },
  };
}

const IMPATIENT = { ...OPTIONS, toleratedMs: 200, patienceMs: 400 };

test('R-ASK-08 an insert that hangs is named, since when and what ends it, and not silently exported around', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([row(), row()]);
  const slow = await hanging(ledger, 'audit_events');
  await ledger.insert([row()]);
  const heard: InsertAtWork[] = [];
  await expect(
    planExport(clickhouse, '', { ...IMPATIENT, onHeldBack: (insert) => heard.push(insert) }),
  ).rejects.toMatchObject({
    code: 'EXPORT_INCOMPLETE',
    message: expect.stringMatching(`at work since 2.*Z \\(query id ${slow.id}\\)`),
    hint: expect.stringMatching(`KILL QUERY WHERE query_id = '${slow.id}'.*--held-back`),
  });
  expect(heard).toMatchObject([{ queryId: slow.id }]);

  const plan = await planExport(clickhouse, '', { ...IMPATIENT, heldBack: true });
  expect(plan).toMatchObject({ rows: 2, heldBackBy: { queryId: slow.id } });
  expect(Date.parse(plan.storedUntil)).toBeLessThan(Date.parse(plan.heldBackBy?.since ?? ''));

  // Whoever may not read statements is told as well, and where not even the id may be read, whom to ask.
  const denied = new ClickHouseError(
    'CLICKHOUSE_REFUSED',
    'no',
    { engineCode: 497 },
    { retryable: false, hint: '' },
  );
  const without = (column: string): ClickHouse => ({
    ...clickhouse,
    query: (sql, options) =>
      sql.includes(column) ? Promise.reject(denied) : clickhouse.query(sql, options),
  });
  await expect(planExport(without('current_database'), '', IMPATIENT)).rejects.toMatchObject({
    hint: expect.stringContaining('KILL QUERY'),
  });
  await expect(planExport(without('query_id'), '', IMPATIENT)).rejects.toMatchObject({
    message: expect.stringMatching(/at work since 2[^(]*Z: /),
    hint: expect.stringContaining('whoever runs ClickHouse'),
  });

  await slow.end();
  const [stored] = await clickhouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM audit_events',
  );
  expect(await planExport(clickhouse, '', IMPATIENT)).toMatchObject({
    // With what the insert had stored when it was ended.
    rows: Number(stored?.rows),
    heldBackBy: undefined,
  });
});

test('R-ASK-08 it waits for an insert that ends, and for none into another table or ledger', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([row()]);
  await clickhouse.command('CREATE TABLE elsewhere AS audit_events');
  const other = await hanging(ledger, 'elsewhere');
  const heard: InsertAtWork[] = [];
  const options = { ...IMPATIENT, onHeldBack: (insert: InsertAtWork) => heard.push(insert) };
  expect(await planExport(clickhouse, '', options)).toMatchObject({ rows: 1 });
  await other.end();
  const neighbour = await ledgerForTest();
  const theirs = await hanging(neighbour, 'audit_events');
  expect(await planExport(clickhouse, '', options)).toMatchObject({ rows: 1 });
  expect(heard).toEqual([]);
  await theirs.end();

  const slow = await hanging(ledger, 'audit_events');
  let ending: Promise<void> | undefined;
  const patient = {
    ...options,
    patienceMs: 20_000,
    onHeldBack: (insert: InsertAtWork) => {
      heard.push(insert);
      ending = slow.end();
    },
  };
  expect(await planExport(clickhouse, '', patient)).toMatchObject({ heldBackBy: undefined });
  await ending;
  expect(heard).toMatchObject([{ queryId: slow.id }]);
});
