import { expect, test } from 'vitest';
import {
  applyRetention,
  count,
  EVERY_TENANT,
  eventById,
  facets,
  listHolds,
  type NewHold,
  placeHold,
  releaseHold,
  search,
  setCleanup,
  sweep,
  syncHolds,
} from '../../clickhouse/index.ts';
import { forget } from '../../clickhouse/search/ask.ts';
import { INSERT_COLUMNS } from '../../schemas/index.ts';
import { daysAgo, type Ledger, ledgerForTest, row } from './support.ts';

const spread = (days: number, rows: number, actor: string) =>
  Array.from({ length: rows }, (_, n) =>
    row({ actor_id: actor, occurred_at: daysAgo(days + n / 10_000) }),
  );

const place = (ledger: Ledger, query: string, given: Partial<NewHold> = {}) =>
  placeHold(ledger.clickhouse, {
    query,
    tenant: EVERY_TENANT,
    name: 'Case 17',
    owner: 'legal',
    reason: 'litigation',
    actor: 'ops-1',
    ...given,
  });

const inTable = async ({ clickhouse }: Ledger, table: string): Promise<string[]> =>
  (
    await clickhouse.query<{ actor_id: string }>(
      `SELECT actor_id FROM ${table} FINAL ORDER BY actor_id`.replace(
        'audit_events FINAL',
        'audit_events',
      ),
    )
  ).map(({ actor_id }) => actor_id);

test('the copies have every column that is stored, of the same type', async () => {
  const { clickhouse } = await ledgerForTest();
  const columns = (table: string) =>
    clickhouse.query<{ name: string; type: string }>(
      `SELECT name, type FROM system.columns
       WHERE database = currentDatabase() AND table = {table:String} AND default_kind != 'EPHEMERAL'
       ORDER BY position`,
      { params: { table } },
    );
  const held = await columns('audit_held');
  expect(held).toEqual(await columns('audit_events'));
  expect(held).toHaveLength(INSERT_COLUMNS.length);
});

test('R-RET-03 a hold for which nobody could answer is not placed, nor released', async () => {
  const ledger = await ledgerForTest();
  for (const blank of ['name', 'owner', 'reason', 'actor']) {
    await expect(place(ledger, 'actor:u_1', { [blank]: ' ' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `empty: ${blank}`,
    });
  }
  expect(await listHolds(ledger.clickhouse)).toEqual([]);
  const { id } = await place(ledger, 'actor:u_1');
  const release = releaseHold(ledger.clickhouse, { hold: id, reason: '', actor: 'ops-1' });
  await expect(release).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('R-RET-03 held events survive their expiry, and a released hold lets them go', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([
    ...spread(60, 20, 'held'),
    ...spread(60, 20, 'free'),
    ...spread(1, 5, 'held'),
  ]);
  const hold = await place(ledger, 'actor:held');
  expect(hold).toMatchObject({
    events: 25,
    name: 'Case 17',
    owner: 'legal',
    query: 'actor:held',
    tenants: undefined,
    releasedAt: undefined,
  });
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  await applyRetention(clickhouse, { standard: 30 });
  await sweep(clickhouse);
  expect(await inTable(ledger, 'audit_events')).toEqual(Array.from({ length: 5 }, () => 'held'));
  expect(await inTable(ledger, 'audit_held')).toEqual(Array.from({ length: 25 }, () => 'held'));

  expect(
    await releaseHold(clickhouse, { hold: hold.id, reason: 'closed', actor: 'ops-1' }),
  ).toMatchObject({
    id: hold.id,
  });
  expect(
    await releaseHold(clickhouse, { hold: hold.id, reason: 'twice', actor: 'ops-1' }),
  ).toBeUndefined();
  expect(await listHolds(clickhouse)).toMatchObject([
    { id: hold.id, releasedAt: expect.any(String) },
  ]);
});

test('R-RET-03 searches see each event once: before its days are over, after, and no more once it is released', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  const all = { tenant: EVERY_TENANT } as const;
  const found = async (): Promise<string[]> => {
    const events = [];
    for await (const page of search(clickhouse, 'actor:held', { ...all, pageSize: 7 })) {
      events.push(...page.events);
    }
    const [byActor] = await facets(clickhouse, 'actor:held', { ...all, fields: ['actor'] });
    const { stored } = await count(clickhouse, 'actor:held', all);
    expect(stored).toBe(events.length);
    expect(byActor?.values[0]?.stored ?? 0).toBe(events.length);
    const [first] = events;
    expect(first && (await eventById(clickhouse, first.id, all))).toEqual(first);
    return events.map(({ id }) => id);
  };
  await ledger.insert([
    ...spread(60, 20, 'held'),
    ...spread(1, 5, 'held'),
    ...spread(60, 3, 'free'),
  ]);
  const before = await found();
  expect(new Set(before).size).toBe(25);
  const hold = await place(ledger, 'actor:held');
  // What is known of holds is good for ten seconds; another connection asks afresh.
  forget(clickhouse);
  expect(await found()).toEqual(before);
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  await applyRetention(clickhouse, { standard: 30 });
  forget(clickhouse);
  expect(await found()).toEqual(before);
  // What is over and still there is seen where it is, once its days are not over again.
  await applyRetention(clickhouse, { standard: 365 });
  forget(clickhouse);
  expect(await found()).toEqual(before);
  await applyRetention(clickhouse, { standard: 30 });
  forget(clickhouse);
  await sweep(clickhouse);
  expect(await found()).toEqual(before);
  // What is gone does not come back by that: its copy stands for it.
  await setCleanup(clickhouse, false);
  forget(clickhouse);
  expect(await found()).toEqual(before);
  await setCleanup(clickhouse, true);
  await applyRetention(clickhouse, { standard: 365 });
  forget(clickhouse);
  expect(await found()).toEqual(before);
  await applyRetention(clickhouse, { standard: 30 });
  forget(clickhouse);
  expect((await count(clickhouse, 'actor:free', all)).stored).toBe(0);
  await releaseHold(clickhouse, { hold: hold.id, reason: 'closed', actor: 'ops-1' });
  forget(clickhouse);
  expect(await found()).toHaveLength(5);
});

test('R-RET-03 what comes later is taken up, once, also by two at once', async () => {
  const ledger = await ledgerForTest();
  await ledger.insert(spread(3, 10, 'held'));
  await place(ledger, 'actor:held since:30d');
  await ledger.insert([...spread(2, 7, 'held'), ...spread(2, 7, 'other')]);
  await Promise.all([syncHolds(ledger.clickhouse), syncHolds(ledger.clickhouse)]);
  expect((await syncHolds(ledger.clickhouse))[0]).toMatchObject({ added: 0 });
  expect((await listHolds(ledger.clickhouse))[0]?.events).toBe(17);
  expect(await inTable(ledger, 'audit_held')).toHaveLength(17);
});

test('R-RET-03 dates of a hold are those of its time zone, when it is placed and later', async () => {
  const ledger = await ledgerForTest();
  const day = daysAgo(5).slice(0, 10);
  const next = daysAgo(4).slice(0, 10);
  const evening = (date: string) => row({ actor_id: date, occurred_at: `${date}T02:00:00Z` });
  await ledger.insert([evening(day), evening(next)]);
  // Two in the morning is the evening of the day before in Honolulu.
  const hold = await place(ledger, `at:${day}`, { timeZone: 'Pacific/Honolulu' });
  expect(hold).toMatchObject({ events: 1, timeZone: 'Pacific/Honolulu' });
  expect(await inTable(ledger, 'audit_held')).toEqual([next]);
  await ledger.insert([evening(day), evening(next)]);
  await syncHolds(ledger.clickhouse);
  expect(await inTable(ledger, 'audit_held')).toEqual([next, next]);
  await expect(place(ledger, '', { timeZone: 'Moon/Sea' })).rejects.toThrow('time zone');
});

test('R-RET-03 an event under two holds is kept once, and until both are released', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([...spread(3, 4, 'a'), ...spread(3, 4, 'b')]);
  const first = await place(ledger, 'actor:a OR actor:b');
  const second = await place(ledger, 'actor:b', { name: 'Case 18' });
  expect([first.events, second.events]).toEqual([8, 4]);
  expect(await inTable(ledger, 'audit_held')).toHaveLength(8);
  await releaseHold(clickhouse, { hold: first.id, reason: 'closed', actor: 'ops-1' });
  // As if it had been released long ago: copies that no hold needs go an hour later at the earliest.
  await clickhouse.command(
    `INSERT INTO audit_holds (hold_id, action, at) VALUES ({id:UUID}, 'released', now64(3) - INTERVAL 2 HOUR)`,
    { params: { id: first.id } },
  );
  await syncHolds(clickhouse);
  expect(await inTable(ledger, 'audit_held')).toEqual(['b', 'b', 'b', 'b']);
});

test('R-RET-03 a hold holds what is past its days and not yet gone, and other tenants’ events are left alone', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  await ledger.insert([
    row({ tenant_id: 'acme', occurred_at: daysAgo(60) }),
    row({ tenant_id: 'other', occurred_at: daysAgo(60) }),
  ]);
  await applyRetention(clickhouse, { standard: 30 });
  const hold = await place(ledger, '', { tenant: 'acme' });
  expect(hold).toMatchObject({ events: 1, tenants: ['acme'] });
});
