import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { formerLog } from '../../consumers/former-log.ts';
import { ledgerForTest } from '../clickhouse/support.ts';

test('the last log of the same name is found, without a pass over the ledger', async () => {
  const { clickhouse } = await ledgerForTest();
  const [oldest, last, other, now] = Array.from({ length: 4 }, () => randomUUID());
  const store = (topic: string, id: string | undefined, partition: number, at: string) =>
    clickhouse.command(
      `INSERT INTO audit_events (wire_version, event_id, event_type, category, occurred_at, actor_type, actor_id, service, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, ingested_at)
       SELECT 1, generateUUIDv4(), 'app.created', 'app', now64(6), 'user', 'u', 's', {topic:String}, {id:UUID}, {partition:UInt32}, number, now64(3), parseDateTime64BestEffort({at:String}, 3)
       FROM numbers(20000)`,
      { params: { topic, id, partition, at } },
    );
  await store('audit.events', last, 1, '2026-02-01T00:00:00Z');
  await store('audit.events', oldest, 1, '2026-01-01T00:00:00Z');
  await store('other.events', other, 1, '2026-03-01T00:00:00Z');
  const asked: string[] = [];
  const watched = {
    ...clickhouse,
    query: <T>(sql: string, options: Parameters<typeof clickhouse.query>[1]) => {
      asked.push(sql);
      // Refused where it would read the rows instead of the projection, or more than one of them.
      const settings = sql.includes('GROUP BY')
        ? { force_optimize_projection: 1 }
        : { max_rows_to_read: 50_000 };
      return clickhouse.query<T>(sql, { ...options, settings });
    },
  };
  const origin = (topic: string, partition: number) => ({ topic, topicId: now ?? '', partition });
  expect(await formerLog(watched, origin('audit.events', 1))).toEqual({
    topicId: last,
    last: 19_999,
  });
  expect(await formerLog(watched, origin('third.events', 1))).toBeUndefined();
  asked.length = 0;
  expect(await formerLog(watched, origin('audit.events', 2))).toBeUndefined();
  expect(asked).toHaveLength(1);
  await clickhouse.command(
    `INSERT INTO audit_quarantine (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, reason, error, message, message_key, headers)
     VALUES ('audit.events', {last:UUID}, 1, 20000, now64(3), 'accepted_loss', 'x', '', '', map())`,
    { params: { last } },
  );
  expect(await formerLog(watched, origin('audit.events', 1))).toBeUndefined();
});
