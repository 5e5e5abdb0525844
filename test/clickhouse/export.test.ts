import { expect, test } from 'vitest';
import { EVERY_TENANT, openExport, planExport } from '../../clickhouse/index.ts';
import { until } from '../support/until.ts';
import { ledgerForTest, row } from './support.ts';

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
