import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClickHouseError } from '../../clickhouse/index.ts';
import { daysAgo, openLedger, row } from './support.ts';
import type { Ledger, Row } from './support.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger();
});
afterAll(() => ledger.close());

async function refusal(fields: Row): Promise<ClickHouseError> {
  const error: unknown = await ledger.insert([row(), row(fields), row()]).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ClickHouseError);
  return error as ClickHouseError;
}

const nil = '00000000-0000-0000-0000-000000000000';

test.each([
  ['wire_version_is_1', { wire_version: 2 }],
  ['event_id_is_set', { event_id: nil }],
  ['event_type_is_set', { event_type: '' }],
  ['category_is_set', { category: '' }],
  ['tenant_id_is_set', { tenant_id: '' }],
  ['actor_type_is_set', { actor_type: '' }],
  ['actor_id_is_set', { actor_id: '' }],
  ['service_is_set', { service: '' }],
  ['kafka_topic_id_is_set', { kafka_topic_id: nil }],
  ['weight_is_at_least_1', { weight: 0.5 }],
  ['occurred_at_is_plausible', { occurred_at: daysAgo(-2) }],
  ['occurred_at_is_plausible', { occurred_at: '1969-12-31T23:59:59Z' }],
  ['occurred_at_is_plausible', { occurred_at: '2299-12-31T00:00:00Z' }],
  ['protected_trail_is_kept', { category: 'security' }],
  ['protected_trail_is_kept', { category: 'ledger', retention_class: 'short' }],
  ['not_expired', { occurred_at: daysAgo(91) }],
  [
    'not_expired',
    { occurred_at: daysAgo(401), category: 'security', retention_class: 'protected' },
  ],
  ['retention_class_is_known', { retention_class: 'never_heard_of' }],
])('%s refuses %o and names row and rule', async (constraint, fields) => {
  const error = await refusal(fields);
  expect(error).toMatchObject({ engineCode: 469, constraint, row: 2, retryable: false });
});

test('a refusal quotes no value of the row', async () => {
  const error = await refusal({ weight: 0, actor_name: 'Ada Lovelace', reason: 'hush' });
  const said = JSON.stringify([error.message, error.hint, error.stack, Object.entries(error)]);
  expect(said).not.toMatch(/Ada|hush|usr_1/);
  expect(error.message).toContain('weight_is_at_least_1');
});

test('R-RET-01 events of protected categories are taken in the classes that keep them', async () => {
  const taken = await ledger.insert([
    row({ category: 'security', retention_class: 'protected', occurred_at: daysAgo(399) }),
    row({ category: 'authorization', retention_class: 'archive', occurred_at: daysAgo(3649) }),
  ]);
  expect(taken).toBe(2);
});

test('a row that says the least gets the defaults of the table', async () => {
  const event_id = '0198c0de-0000-7000-8000-000000000001';
  await ledger.insert([row({ event_id })]);
  const [stored] = await ledger.clickhouse.query<Row>(
    `SELECT tenant_id, operation, outcome, severity, event_version, weight, retention_class, trace_id
     FROM audit_events WHERE event_id = {event_id:UUID}`,
    { params: { event_id } },
  );
  expect(stored).toEqual({
    tenant_id: 'default',
    operation: 'unknown',
    outcome: 'unknown',
    severity: 'informational',
    event_version: 1,
    weight: 1,
    retention_class: 'standard',
    trace_id: nil,
  });
});

test.each(['audit_events', 'audit_quarantine'])(
  'R-DLV-01 an expired lease in one row refuses the whole insert into %s',
  async (table) => {
    const quarantined = {
      reason: 'not_json',
      error: '',
      message: '{',
      message_key: '',
      headers: {},
    };
    const made = (lease: number): Row => {
      const full = row();
      const position = Object.entries(full).filter(([name]) => name.startsWith('kafka_'));
      return table === 'audit_events'
        ? { ...full, lease }
        : { ...Object.fromEntries(position), ...quarantined, lease };
    };
    const columns = [...new Set([...Object.keys(made(0)), 'lease'])];
    const now = Math.floor(Date.now() / 1000);
    const rows = [made(now + 60), made(now + 60), made(now - 5)];
    await expect(ledger.insert(rows, table, columns)).rejects.toMatchObject({ engineCode: 395 });
    expect(await ledger.insert(rows.slice(0, 2), table, columns)).toBe(2);
  },
);

test('R-DLV-01 the same block under the same token is stored once', async () => {
  const rows = [row({ service: 'twice' }), row({ service: 'twice' })];
  const body = rows.map((one) => Buffer.from(`${JSON.stringify(one)}\n`));
  const settings = {
    async_insert: 0,
    date_time_input_format: 'best_effort',
    insert_deduplication_token: 'cluster/topic/0/1-2/hash',
  };
  const columns = Object.keys(row());
  for (let i = 0; i < 2; i += 1) {
    await ledger.clickhouse.insert({
      table: 'audit_events',
      columns,
      format: 'JSONEachRow',
      body,
      settings,
    });
  }
  const count = "SELECT count() AS n FROM audit_events WHERE service = 'twice'";
  expect(await ledger.clickhouse.query(count)).toEqual([{ n: '2' }]);
  const projected =
    'SELECT max(kafka_offset) AS top, count() AS n FROM audit_events GROUP BY kafka_topic_id, kafka_partition';
  const [real] = await ledger.clickhouse.query(projected, {
    settings: { optimize_use_projections: 0 },
  });
  expect(await ledger.clickhouse.query(projected)).toEqual([real]);
});
