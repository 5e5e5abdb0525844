/** docs/decisions/0019-aggregates.md: the aggregates are a part of the rows, so nothing sets them apart. */
import { expect, test } from 'vitest';
import { erase, EVERY_TENANT, migrate } from '../../../clickhouse/index.ts';
import { knownMigrations } from '../../../clickhouse/migrations.ts';
import { LedgerSink } from '../../../consumers/ledger-sink.ts';
import { INSERT_COLUMNS } from '../../../schemas/index.ts';
import { daysAgo, type Ledger, ledgerForTest, type Row, row } from '../support.ts';

const KEYS = 'tenant_id, service, actor_type, actor_id, category, event_type, operation, outcome';

const BOTH = ['audit_hourly', 'audit_daily'];

/** The views that tell the same of all hours and days as the table does when its rows are counted. */
async function rightViews({ clickhouse }: Ledger): Promise<string[]> {
  const right: string[] = [];
  for (const [view, time, start] of [
    ['audit_hourly', 'hour', 'toStartOfHour(occurred_at)'],
    ['audit_daily', 'day', "toStartOfDay(occurred_at, 'UTC')"],
  ] as const) {
    const told = await clickhouse.query(
      `SELECT toUnixTimestamp(${time}) AS time, ${KEYS}, stored, events FROM ${view} ORDER BY ALL`,
    );
    const recounted = await clickhouse.query(
      `SELECT toUnixTimestamp(${start}) AS time, ${KEYS}, count() AS stored, sum(weight) AS events
       FROM audit_events GROUP BY time, ${KEYS} ORDER BY ALL`,
      { settings: { optimize_use_projections: 0 } },
    );
    const same = JSON.stringify(told) === JSON.stringify(recounted);
    if (same && told.length > 0) right.push(view);
  }
  return right;
}

const some = (first: number, count: number, fields: Row = {}): Row[] =>
  Array.from({ length: count }, (_, n) =>
    row({
      actor_id: `u_${n % 5}`,
      event_type: n % 3 === 0 ? 'app.deployed' : 'app.deleted',
      occurred_at: daysAgo(1 + (n % 40) / 10),
      weight: n % 4 === 0 ? 10 : 1,
      kafka_offset: first + n,
      ...fields,
    }),
  );

/** Sends rows under a token, as workers do. */
const send = ({ clickhouse }: Ledger, rows: readonly Row[], token: string) =>
  clickhouse.insert({
    table: 'audit_events',
    columns: INSERT_COLUMNS,
    format: 'JSONEachRow',
    body: rows.map((one) => Buffer.from(`${JSON.stringify(one)}\n`)),
    settings: { date_time_input_format: 'best_effort', insert_deduplication_token: token },
  });

test('R-ASK-03 aggregates equal a recount after retried, refused and healed inserts', async () => {
  const ledger = await ledgerForTest();
  const batch = some(0, 200);
  await send(ledger, batch, 'one');
  for (let again = 0; again < 3; again++) await send(ledger, batch, 'one');
  expect(await rightViews(ledger)).toEqual(BOTH);
  // A batch that the engine refuses leaves nothing, in neither.
  const bad = [...some(200, 50), row({ weight: 0 })];
  await expect(send(ledger, bad, 'two')).rejects.toThrow(/weight_is_at_least_1|VIOLATED/);
  expect(await rightViews(ledger)).toEqual(BOTH);
  // A heal long after: of a range half is stored, and the worker looks and sends what is missing.
  const range = some(300, 100);
  await send(ledger, range.slice(0, 60), 'three');
  const origin = {
    topic: 'audit.events',
    topicId: '6f0d1a52-7f0e-4c6e-9a53-0d6f6a1b2c3d',
    partition: 0,
  };
  const stored = await new LedgerSink(ledger.clickhouse).stored(origin, 300, 399);
  await send(
    ledger,
    range.filter(({ kafka_offset: offset }) => !stored.has(Number(offset))),
    'three/healed',
  );
  expect(await rightViews(ledger)).toEqual(BOTH);
  const [total] = await ledger.clickhouse.query<{ stored: string; events: number }>(
    'SELECT sum(stored) AS stored, sum(events) AS events FROM audit_hourly',
  );
  expect(total).toEqual({ stored: '300', events: 975 });
});

test('aggregates follow what is swept, and an erasure changes nothing that they hold', async () => {
  const ledger = await ledgerForTest();
  await ledger.insert(some(0, 200, { actor_name: 'Jane Doe', source_ip: '192.0.2.9' }));
  await ledger.clickhouse.command('DELETE FROM audit_events WHERE kafka_offset % 3 = 0', {
    settings: { lightweight_deletes_sync: 2 },
  });
  expect(await rightViews(ledger)).toEqual(BOTH);
  await ledger.clickhouse.command('OPTIMIZE TABLE audit_events FINAL');
  expect(await rightViews(ledger)).toEqual(BOTH);
  await erase(ledger.clickhouse, { identifiers: ['u_3', 'Jane Doe'], tenant: EVERY_TENANT });
  expect(await rightViews(ledger)).toEqual(BOTH);
});

test('no aggregate holds personal data: ids, types and figures alone', async () => {
  const { clickhouse } = await ledgerForTest();
  const columns = await clickhouse.query<{ name: string }>(
    `SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'audit_hourly' ORDER BY name`,
  );
  expect(columns.map(({ name }) => name)).toEqual(
    [...KEYS.split(', '), 'hour', 'stored', 'events'].sort(),
  );
});

test('rows of before the migration count as well, and rows are not read for what aggregates know', async () => {
  const all = await knownMigrations();
  const ledger = await ledgerForTest({ migrations: all.filter(({ version }) => version < 8) });
  await ledger.insert(some(0, 100));
  await migrate(ledger.clickhouse);
  expect(await rightViews(ledger)).toEqual(BOTH);
  await ledger.insert(some(100, 100));
  expect(await rightViews(ledger)).toEqual(BOTH);
  const plan = await ledger.clickhouse.query<{ explain: string }>(
    'EXPLAIN SELECT tenant_id, hour, sum(events) FROM audit_hourly WHERE hour >= today() - 30 GROUP BY tenant_id, hour',
  );
  expect(plan.map(({ explain }) => explain).join('\n')).toContain(
    'ReadFromMergeTree (hourly_activity)',
  );
});
