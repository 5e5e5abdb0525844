/** R-RET-04: an erasure that was killed half-way is not forgotten, and is completed by the same identifiers. */
import { expect, test } from 'vitest';
import {
  type ClickHouse,
  erase,
  EVERY_TENANT,
  findTraces,
  type Person,
  retentionStatus,
  totalOf,
  unfinishedErasures,
  unfinishedOf,
} from '../../clickhouse/index.ts';
import { type Ledger, ledgerForTest, row } from './support.ts';

const JANE = { identifiers: ['u_7', 'jane@example.com'], tenant: EVERY_TENANT } as const;
const DIED = new Error('killed');

/** The same ClickHouse until the given change, counted from 1: the process dies right before it, and its lease runs out. */
function dyingAt(clickhouse: ClickHouse, change: number): ClickHouse {
  let changes = 0;
  return {
    ...clickhouse,
    async command(sql, options) {
      if (/^\s*ALTER TABLE/.test(sql)) changes += 1;
      if (changes >= change && !sql.includes('INSERT INTO audit_turns')) throw DIED;
      await clickhouse.command(sql, options);
    },
  };
}

/** Jane in every kind of table: the ledger, one beside it, quarantine, and what operators wrote. */
async function ledgerOfJane(): Promise<Ledger> {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([
    row({ actor_id: 'u_7', actor_name: 'Jane Doe', tenant_id: 'acme' }),
    row({ message: 'told jane@example.com', tenant_id: 'beta' }),
  ]);
  await clickhouse.command('CREATE TABLE events_2 AS audit_events');
  await clickhouse.command('INSERT INTO events_2 SELECT * FROM audit_events');
  await clickhouse.command(
    `INSERT INTO audit_quarantine (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, reason, error, message, message_key, headers)
     VALUES ('t', generateUUIDv4(), 0, 1, now64(3), 'not_json', 'x', 'mail jane@example.com', '', {})`,
  );
  await clickhouse.command(
    `INSERT INTO audit_quarantine_resolutions (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, state, run_id, resolved_by, reason)
     VALUES ('t', generateUUIDv4(), 0, 1, 'discarded', generateUUIDv4(), 'ops-1', 'jane@example.com asked')`,
  );
  return ledger;
}

const marksIn = async (clickhouse: ClickHouse, table: string): Promise<string[]> =>
  (
    await clickhouse.query<{ mark: string }>(
      `SELECT DISTINCT attributes['ledger.erased'] AS mark FROM ${table}`,
    )
  ).map(({ mark }) => mark);

/** In any column of any table, the record of erasures included. */
async function left({ clickhouse }: Ledger): Promise<string[]> {
  const tables = await clickhouse.query<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const [hit] = await clickhouse.query<{ rows: string }>(
      `SELECT count() AS rows FROM ${name} WHERE match(toString(tuple(*)), '(?i)jane@example|Jane Doe')`,
    );
    if (hit?.rows !== '0') found.push(name);
  }
  return found;
}

test('killed between its changes, it is listed without the person, and completed under the same id', async () => {
  // At every change, and by a real kill: test/faults/erasure.long.test.ts.
  const ledger = await ledgerOfJane();
  const { clickhouse } = ledger;
  const words = { actor: 'ops-1', reason: 'request 12' };
  await expect(erase(dyingAt(clickhouse, 2), JANE, words)).rejects.toBe(DIED);
  const [begun, ...others] = await unfinishedErasures(clickhouse);
  expect(others).toEqual([]);
  expect(begun).toMatchObject({ ...words, tenants: undefined, identifiers: 2, atWork: false });
  expect(JSON.stringify(await clickhouse.query('SELECT * FROM audit_erasures'))).not.toMatch(
    /jane|u_7/i,
  );
  expect((await retentionStatus(clickhouse)).erasures).toEqual([begun]);

  const again = await erase(clickhouse, JANE);
  expect(again).toMatchObject({ id: begun?.id, remaining: 0 });
  expect(await unfinishedErasures(clickhouse)).toEqual([]);
  expect(await left(ledger)).toEqual([]);
  for (const table of ['audit_events', 'events_2']) {
    expect(await marksIn(clickhouse, table)).toEqual([begun?.id]);
  }
  // By nothing that is kept could anybody guess whom it was about.
  expect(
    await clickhouse.query(
      'SELECT count() AS runs, max(reason) AS reason, sum(length(fingerprints)) AS kept, min(ended_at >= began_at) AS ended FROM audit_erasures',
    ),
  ).toMatchObject([{ runs: '2', reason: 'request 12', kept: '0' }]);
}, 120_000);

test('only who names at least the same identifiers and tenants completes it', async () => {
  const ledger = await ledgerOfJane();
  const { clickhouse } = ledger;
  await expect(erase(dyingAt(clickhouse, 2), JANE)).rejects.toBe(DIED);
  const completes = async (person: Person): Promise<number> =>
    (await unfinishedOf(clickhouse, person)).length;
  expect(await completes({ ...JANE, identifiers: ['u_7'] })).toBe(0);
  expect(await completes({ ...JANE, identifiers: ['u_7', 'joe@example.com'] })).toBe(0);
  expect(await completes({ ...JANE, tenant: 'acme' })).toBe(0);
  expect(await completes({ ...JANE, identifiers: [...JANE.identifiers].reverse() })).toBe(1);
  await erase(clickhouse, { ...JANE, identifiers: ['u_7'] });
  expect(await unfinishedErasures(clickhouse)).toHaveLength(1);
  await erase(clickhouse, { ...JANE, identifiers: ['Jane Doe', ...JANE.identifiers] });
  expect(await unfinishedErasures(clickhouse)).toEqual([]);
});

test('for one tenant it is completed for that tenant, or for all of them', async () => {
  const ledger = await ledgerOfJane();
  const { clickhouse } = ledger;
  const acme: Person = { ...JANE, tenant: 'acme' };
  await expect(erase(dyingAt(clickhouse, 2), acme)).rejects.toBe(DIED);
  expect(await unfinishedErasures(clickhouse)).toMatchObject([{ tenants: ['acme'] }]);
  expect(await unfinishedOf(clickhouse, { ...JANE, tenant: 'beta' })).toEqual([]);
  expect(await unfinishedOf(clickhouse, { ...JANE, tenant: ['acme', 'beta'] })).toHaveLength(1);
  await erase(clickhouse, JANE);
  expect(await unfinishedErasures(clickhouse)).toEqual([]);
});

test('while it is at work it says so, and where its end cannot be told it has not ended', async () => {
  const { clickhouse } = await ledgerOfJane();
  const told: unknown[] = [];
  const failing = erase(clickhouse, JANE, {
    onBegun: async (begun) => {
      told.push(begun.resumed, totalOf(begun.found));
      told.push(await unfinishedErasures(clickhouse));
    },
    onErased: () => Promise.reject(DIED),
  });
  await expect(failing).rejects.toBe(DIED);
  expect(told).toMatchObject([false, 6, [{ atWork: true }]]);
  expect(totalOf(await findTraces(clickhouse, JANE))).toBe(0);
  expect(await unfinishedErasures(clickhouse)).toMatchObject([{ atWork: false }]);
  const resumed: boolean[] = [];
  await erase(clickhouse, JANE, {
    onBegun: (begun) => Promise.resolve(void resumed.push(begun.resumed)),
  });
  expect(resumed).toEqual([true]);
  expect(await unfinishedErasures(clickhouse)).toEqual([]);
});

test('a reason that names the person is refused before anything is changed: it would stay', async () => {
  const { clickhouse } = await ledgerOfJane();
  for (const reason of ['Jane@Example.com asked', 'by U_7', 'x (u_7)']) {
    await expect(erase(clickhouse, JANE, { reason })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  }
  expect(await clickhouse.query('SELECT * FROM audit_erasures')).toEqual([]);
  await erase(clickhouse, JANE, { reason: 'request u_71, of mary-jane@example.com' });
});

test('a reason of an earlier erasure that names another person goes with theirs', async () => {
  const { clickhouse } = await ledgerOfJane();
  await erase(clickhouse, { ...JANE, identifiers: ['u_9'] }, { reason: 'jane@example.com asked' });
  expect((await erase(clickhouse, JANE)).erased.records).toBe(2);
  expect(await clickhouse.query('SELECT DISTINCT reason FROM audit_erasures ORDER BY 1')).toEqual([
    { reason: '' },
    { reason: '[erased]' },
  ]);
});
