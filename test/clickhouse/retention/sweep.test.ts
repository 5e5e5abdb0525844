import { expect, test } from 'vitest';
import {
  applyRetention,
  listHolds,
  placeHold,
  previewRetention,
  readRetentionState,
  retentionStatus,
  setCleanup,
  sweep,
} from '../../../clickhouse/index.ts';
import type { Part } from '../../../clickhouse/retention/parts.ts';
import { MAX_STEPS, stepsFor, sweepPlan } from '../../../clickhouse/retention/sweep-plan.ts';
import { daysAgo, type Ledger, ledgerForTest, row } from '../support.ts';

const DAY_S = 86_400;

const actors = async ({ clickhouse }: Ledger): Promise<string[]> =>
  (
    await clickhouse.query<{ actor_id: string }>(
      'SELECT actor_id FROM audit_events ORDER BY actor_id',
    )
  ).map(({ actor_id }) => actor_id);

/** A ledger whose events have been there long enough to expire: such cannot be inserted. */
async function aged(rows: Parameters<Ledger['insert']>[0], standard: number): Promise<Ledger> {
  const ledger = await ledgerForTest();
  // The table's own expiry must not be faster than the test.
  await ledger.clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  await ledger.insert(rows);
  await applyRetention(ledger.clickhouse, { standard });
  return ledger;
}

/** Days ago that lie in one month with today's neighbours cannot be chosen; hours within a day can. */
const spread = (days: number, rows: number, actor: string) =>
  Array.from({ length: rows }, (_, n) =>
    row({ actor_id: actor, occurred_at: daysAgo(days + n / 10_000) }),
  );

test('R-RET-02 a sweep removes what has expired, on the day, and nothing else', async () => {
  const ledger = await aged(
    [
      ...spread(70, 300, 'expired long ago'),
      ...spread(31, 200, 'expired lately'),
      ...spread(29, 100, 'living'),
      row({ actor_id: 'archived', retention_class: 'archive', occurred_at: daysAgo(70) }),
      row({
        actor_id: 'protected',
        category: 'security',
        retention_class: 'protected',
        occurred_at: daysAgo(70),
      }),
    ],
    30,
  );
  const dry = await sweep(ledger.clickhouse, { dryRun: true });
  expect(dry).toMatchObject({ expiredRows: 500, removedRows: 0, dryRun: true });
  const steps: number[] = [];
  const done = await sweep(ledger.clickhouse, {
    batchSize: 50,
    onStep: ({ rows }) => steps.push(rows),
  });
  expect(done).toMatchObject({ expiredRows: 500, removedRows: 500, interrupted: false });
  expect(steps.reduce((sum, rows) => sum + rows, 0)).toBe(500);
  expect(new Set(await actors(ledger))).toEqual(new Set(['living', 'archived', 'protected']));
  expect(await sweep(ledger.clickhouse)).toMatchObject({ expiredRows: 0, removedRows: 0 });
});

test('R-RET-02 what a sweep has deleted is counted no more, neither by the status nor by a preview', async () => {
  const month = (day: number, actor: string) =>
    Array.from({ length: 50 }, () => row({ actor_id: actor, occurred_at: within(2, day) }));
  const ledger = await aged(
    [...month(2, 'expired'), ...month(26, 'living')],
    daysSince(within(2, 14)),
  );
  expect(await sweep(ledger.clickhouse)).toMatchObject({ removedRows: 50 });
  const { classes } = await retentionStatus(ledger.clickhouse);
  const standard = classes.find(({ name }) => name === 'standard');
  expect(standard).toMatchObject({ rows: 50, expiredRows: 0 });
  expect(Date.parse(standard?.oldest ?? '')).toBeGreaterThan(Date.parse(within(2, 25)));
  expect(await previewRetention(ledger.clickhouse, { standard: 1 })).toMatchObject([
    { expiringRows: 50, goingAtOnceRows: 50 },
  ]);
});

test('R-RET-02, R-RET-03 a sweep that finds nothing to remove takes up what has come under a hold all the same', async () => {
  const ledger = await aged([], 30);
  await placeHold(ledger.clickhouse, {
    query: 'actor:held',
    tenant: 'default',
    name: 'case',
    owner: 'legal',
    reason: 'litigation',
    actor: 'ops',
  });
  await ledger.insert(spread(1, 7, 'held'));
  expect(await sweep(ledger.clickhouse, { dryRun: true })).toMatchObject({ expiredRows: 0 });
  expect((await listHolds(ledger.clickhouse))[0]).toMatchObject({ events: 0 });
  expect(await sweep(ledger.clickhouse)).toMatchObject({ expiredRows: 0, removedRows: 0 });
  expect((await listHolds(ledger.clickhouse))[0]).toMatchObject({ events: 7 });
});

test('R-RET-02 it stops between steps, and the next one goes on', async () => {
  const ledger = await aged([...spread(45, 400, 'expired'), ...spread(1, 10, 'living')], 30);
  const stopping = new AbortController();
  const cut = await sweep(ledger.clickhouse, {
    batchSize: 100,
    signal: stopping.signal,
    onStep: () => stopping.abort(),
  });
  expect(cut.interrupted).toBe(true);
  const rest = await sweep(ledger.clickhouse, { batchSize: 100 });
  expect(cut.removedRows + rest.removedRows).toBe(400);
  expect(await actors(ledger)).toEqual(Array.from({ length: 10 }, () => 'living'));
});

test('R-RET-02 a sweep that is under way stops where expiry is stopped, or a class gets more days', async () => {
  const ledger = await aged([], 200);
  const { clickhouse } = ledger;
  // Of three months, one step each.
  for (const days of [40, 75, 110]) await ledger.insert(spread(days, 100, `${days} days ago`));
  await applyRetention(clickhouse, { standard: 30 });
  /** Sweeps, and changes something right after the first step. */
  const changing = async (change: () => Promise<unknown>): Promise<number> => {
    const { removedRows } = await sweep({
      ...clickhouse,
      command: async (sql, options) => {
        await clickhouse.command(sql, options);
        if (/^DELETE|DROP PART/.test(sql)) await change();
      },
    });
    return removedRows;
  };
  expect(await changing(() => setCleanup(clickhouse, false))).toBe(100);
  await setCleanup(clickhouse, true);
  expect(await changing(() => applyRetention(clickhouse, { standard: 60 }))).toBe(100);
  expect(new Set(await actors(ledger))).toEqual(new Set(['40 days ago']));
});

test('R-RET-02 two sweeps at once, and inserts meanwhile, do no harm', async () => {
  const ledger = await aged([...spread(45, 500, 'expired')], 30);
  const inserting = (async () => {
    for (let n = 0; n < 10; n += 1) await ledger.insert(spread(1, 20, 'living'));
  })();
  const both = await Promise.all([
    sweep(ledger.clickhouse, { batchSize: 100 }),
    sweep(ledger.clickhouse, { batchSize: 100 }),
  ]);
  await inserting;
  expect(both.every(({ interrupted }) => !interrupted)).toBe(true);
  expect(await actors(ledger)).toEqual(Array.from({ length: 200 }, () => 'living'));
});

test('R-RET-02 with purge the deleted rows leave the disk at once', async () => {
  const ledger = await aged(
    // In one month together, wherever today lies: the first and the last of the month before last.
    [
      ...Array.from({ length: 50 }, () => row({ actor_id: 'expired', occurred_at: within(2, 2) })),
      ...Array.from({ length: 50 }, () => row({ actor_id: 'living', occurred_at: within(2, 26) })),
    ],
    daysSince(within(2, 14)),
  );
  await sweep(ledger.clickhouse, { purge: true });
  const [parts] = await ledger.clickhouse.query<{ rows: string }>(
    `SELECT sum(rows) AS rows FROM system.parts
     WHERE database = {database:String} AND table = 'audit_events' AND active`,
    { params: { database: ledger.clickhouse.database } },
  );
  expect(Number(parts?.rows)).toBe(50);
  expect(new Set(await actors(ledger))).toEqual(new Set(['living']));
});

/** A day of the month that was so many months ago, UTC. */
function within(monthsAgo: number, day: number): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - monthsAgo, day)).toISOString();
}
const daysSince = (instant: string): number =>
  Math.floor((Date.now() - Date.parse(instant)) / (DAY_S * 1000));

test('R-RET-02 while cleanup is off nothing expires, late events are taken, and the status says what piles up', async () => {
  const ledger = await aged(spread(45, 20, 'expired'), 30);
  expect(await setCleanup(ledger.clickhouse, false)).toBe(true);
  expect(await setCleanup(ledger.clickhouse, false)).toBe(false);
  expect(await sweep(ledger.clickhouse)).toMatchObject({
    cleanup: false,
    expiredRows: 20,
    removedRows: 0,
  });
  await ledger.insert(spread(300, 5, 'late'));
  const { at, cleanup, classes, stoppedAt = '' } = await retentionStatus(ledger.clickhouse);
  expect(cleanup).toBe(false);
  expect(Math.abs(Date.parse(at) - Date.parse(stoppedAt))).toBeLessThan(60_000);
  expect(classes.find(({ name }) => name === 'standard')).toMatchObject({ expiredRows: 25 });
  // A class's days can be changed meanwhile, and stay stopped.
  await applyRetention(ledger.clickhouse, { standard: 10 });
  expect(await readRetentionState(ledger.clickhouse)).toMatchObject({
    cleanup: false,
    stoppedAt,
    classes: { standard: 10 },
  });
  await setCleanup(ledger.clickhouse, true);
  expect(await retentionStatus(ledger.clickhouse)).not.toHaveProperty('stoppedAt');
  expect(await sweep(ledger.clickhouse)).toMatchObject({ cleanup: true, removedRows: 25 });
});

test('R-RET-01 the preview counts what shorter days would expire, and a longer class nothing', async () => {
  const ledger = await ledgerForTest();
  await ledger.insert([...spread(80, 30, 'old'), ...spread(1, 10, 'new')]);
  const preview = await previewRetention(ledger.clickhouse, {
    standard: 30,
    protected: 400,
    archive: 4_000,
    fresh: 7,
  });
  expect(preview).toMatchObject([
    { name: 'standard', before: 90, after: 30, expiringRows: 30, goingAtOnceRows: 30 },
    { name: 'archive', before: 3650, after: 4_000, expiringRows: 0 },
    { name: 'fresh', before: undefined, after: 7, expiringRows: 0 },
  ]);
  expect((await readRetentionState(ledger.clickhouse)).classes).toMatchObject({ standard: 90 });
});

test('R-RET-01 the status says what each class holds, what expires next, and where it tends', async () => {
  const ledger = await ledgerForTest();
  await ledger.insert([...spread(84, 30, 'soon'), ...spread(10, 100, 'recent')]);
  const { classes, rows, bytes } = await retentionStatus(ledger.clickhouse);
  const standard = classes.find(({ name }) => name === 'standard');
  expect(rows).toBe(130);
  expect(standard).toMatchObject({ days: 90, rows: 130, expiredRows: 0 });
  expect(standard?.next?.rowsWithinWeek).toBe(30);
  expect(Date.parse(standard?.next?.at ?? '')).toBeCloseTo(Date.now() + 6 * DAY_S * 1000, -6);
  expect(standard?.forecast.rowsPerDay).toBe(10);
  // 10 events a day for 90 days, and half a month until their part goes.
  expect(standard?.forecast.bytes).toBeCloseTo((bytes / 130) * 10 * 105, -3);
  expect(classes.find(({ name }) => name === 'archive')).toMatchObject({
    rows: 0,
    oldest: undefined,
    next: undefined,
  });
});

const part = (fields: Partial<Part>): Part => ({
  name: 'p',
  retentionClass: 'standard',
  month: '2026-08-01',
  partitionId: 'id',
  rows: 10,
  bytes: 100,
  oldestS: 0,
  newestS: 0,
  ...fields,
});

test('a part goes whole when its newest row has expired, a second later at the earliest', () => {
  const nowS = 200 * DAY_S;
  const plan = (newestS: number) =>
    sweepPlan([part({ oldestS: 1, newestS })], { standard: 100 }, nowS);
  expect(plan(100 * DAY_S - 1)[0]).toMatchObject({ whole: [{ name: 'p' }], mixed: [] });
  expect(plan(100 * DAY_S)[0]).toMatchObject({ whole: [], mixed: [{ name: 'p' }] });
  const living = part({ oldestS: 100 * DAY_S + 1, newestS: 101 * DAY_S });
  expect(sweepPlan([living], { standard: 100 }, nowS)).toEqual([]);
});

test('steps follow the batch size until they would cost more than they spare', () => {
  expect([0, 1, 10_000, 10_001, 25_000].map((rows) => stepsFor(rows, 10_000))).toEqual([
    1, 1, 1, 2, 3,
  ]);
  expect(stepsFor(50_000_000, 10_000)).toBe(MAX_STEPS);
});
