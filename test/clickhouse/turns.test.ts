import { expect, test } from 'vitest';
import {
  applyRetention,
  type ClickHouse,
  erase,
  EVERY_TENANT,
  listHolds,
  type NewHold,
  placeHold,
  sweep,
  syncHolds,
  type Waiting,
} from '../../clickhouse/index.ts';
import { inTurn } from '../../clickhouse/holds/turn.ts';
import { until } from '../support/until.ts';
import { daysAgo, type Ledger, ledgerForTest, row } from './support.ts';

const JANE = { identifiers: ['u_7'], tenant: EVERY_TENANT } as const;

const jane = (days = 1) =>
  row({ actor_id: 'u_7', actor_name: 'Jane Doe', occurred_at: daysAgo(days) });

const place = (clickhouse: ClickHouse, given: Partial<NewHold> = {}) =>
  placeHold(clickhouse, {
    query: 'actor:u_7',
    tenant: EVERY_TENANT,
    name: 'Case 17',
    owner: 'legal',
    reason: 'litigation',
    actor: 'ops-1',
    ...given,
  });

/** The same ClickHouse, in which something else happens right before the first statement of a kind. */
function before(clickhouse: ClickHouse, kind: string, happens: () => Promise<unknown>): ClickHouse {
  let happened = false;
  return {
    ...clickhouse,
    async command(...given) {
      if (!happened && given[0].includes(kind)) {
        happened = true;
        await happens();
      }
      await clickhouse.command(...given);
    },
  };
}

/** Begins something, and goes on once it has ended or waits for its turn. */
async function begun<T>(
  begin: (waiting: Waiting) => Promise<T>,
): Promise<{ readonly outcome: Promise<T>; readonly waitsFor: string | undefined }> {
  let outcome: Promise<T> | undefined;
  const waitsFor = await new Promise<string | undefined>((resolve) => {
    outcome = begin({ onWait: resolve });
    outcome.then(
      () => resolve(undefined),
      () => resolve(undefined),
    );
  });
  return { outcome: outcome as Promise<T>, waitsFor };
}

const namesIn = async ({ clickhouse }: Ledger, table: string): Promise<string[]> =>
  (await clickhouse.query<{ name: string }>(`SELECT actor_name AS name FROM ${table}`)).map(
    ({ name }) => name,
  );

test('R-RET-03 a hold in the middle of an erasure is refused with a clear word, and stands nowhere', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([jane(), jane()]);
  const erasing = before(clickhouse, 'UPDATE', async () => {
    await expect(place(clickhouse)).rejects.toMatchObject({
      code: 'KEEPING_BUSY',
      message: expect.stringMatching(/erasure/),
    });
  });
  expect(await erase(erasing, JANE)).toMatchObject({ remaining: 0 });
  expect(await listHolds(clickhouse)).toEqual([]);
  expect(await namesIn(ledger, 'audit_held')).toEqual([]);
  expect(await namesIn(ledger, 'audit_events')).toEqual(['[erased]', '[erased]']);
});

test('R-RET-03 an erasure in the middle of placing a hold waits, and is then forbidden', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([jane(), jane()]);
  let erasing: Promise<unknown> | undefined;
  const placing = before(clickhouse, 'INSERT INTO audit_hold_events', async () => {
    const { outcome, waitsFor } = await begun((waiting) => erase(clickhouse, JANE, waiting));
    expect(waitsFor).toBe('hold');
    erasing = outcome;
    erasing.catch(() => undefined);
  });
  expect(await place(placing)).toMatchObject({ events: 2 });
  await expect(erasing).rejects.toMatchObject({ code: 'ERASURE_HELD' });
  for (const table of ['audit_held', 'audit_events']) {
    expect(await namesIn(ledger, table)).toEqual(['Jane Doe', 'Jane Doe']);
  }
});

test('R-RET-03 two holds at once: expiry begins again when both are done, and nothing is lost', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  await ledger.insert([jane(60), jane(60)]);
  await applyRetention(clickhouse, { standard: 30 });
  let other: Promise<unknown> | undefined;
  const placing = before(clickhouse, 'INSERT INTO audit_held', async () => {
    const { outcome, waitsFor } = await begun((waiting) => place(clickhouse, waiting));
    expect(waitsFor).toBe('hold');
    other = outcome;
    // Whoever merges now drops what has expired, unless expiry is stopped.
    await clickhouse.command('OPTIMIZE TABLE audit_events FINAL');
  });
  expect(await place(placing)).toMatchObject({ events: 2 });
  expect(await other).toMatchObject({ events: 2 });
  expect(await namesIn(ledger, 'audit_held')).toEqual(['Jane Doe', 'Jane Doe']);
});

test('R-RET-03 a sweep in the middle of placing a hold takes nothing that the hold is about', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  await ledger.insert([jane(60), jane(60)]);
  await applyRetention(clickhouse, { standard: 30 });
  let sweeping: Promise<unknown> | undefined;
  const placing = before(clickhouse, 'INSERT INTO audit_held', async () => {
    const { outcome, waitsFor } = await begun((waiting) => sweep(clickhouse, waiting));
    expect(waitsFor).toBe('hold');
    sweeping = outcome;
  });
  expect(await place(placing)).toMatchObject({ events: 2 });
  await sweeping;
  expect(await namesIn(ledger, 'audit_held')).toEqual(['Jane Doe', 'Jane Doe']);
  expect(await namesIn(ledger, 'audit_events')).toEqual([]);
});

test('R-RET-03 a sweep first takes up what has come under a hold since it was placed', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await place(clickhouse);
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  await ledger.insert([jane(60), row({ occurred_at: daysAgo(60) })]);
  await applyRetention(clickhouse, { standard: 30 });
  // Expiry goes on after that, and may be there before the sweep.
  await sweep(clickhouse);
  expect(await namesIn(ledger, 'audit_events')).toEqual([]);
  expect(await namesIn(ledger, 'audit_held')).toEqual(['Jane Doe']);
});

/** A turn as a process leaves it that was killed: nobody ends it, and its lease lasts on. */
const abandoned = ({ clickhouse }: Ledger, turn: number, work: string, leaseMs: number) =>
  clickhouse.command(
    `INSERT INTO audit_turns (turn, holder, work, until, ended)
     VALUES ({turn:UInt64}, generateUUIDv4(), {work:String}, now64(3) + toIntervalMillisecond({leaseMs:Int32}), false)`,
    { params: { turn, work, leaseMs } },
  );

test('R-RET-03 a hold that was killed in the middle blocks no longer than its lease, and is ended by the next sync', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([jane(), jane()]);
  const died = new Error('killed');
  const killed = before(clickhouse, 'INSERT INTO audit_held', () => Promise.reject(died));
  await expect(place(killed)).rejects.toBe(died);
  await abandoned(ledger, 2, 'hold', 1_500);
  expect(await namesIn(ledger, 'audit_held')).toEqual([]);
  const { outcome, waitsFor } = await begun((waiting) => syncHolds(clickhouse, waiting));
  expect(waitsFor).toBe('hold');
  await outcome;
  expect(await namesIn(ledger, 'audit_held')).toEqual(['Jane Doe', 'Jane Doe']);
  await expect(erase(clickhouse, JANE)).rejects.toMatchObject({ code: 'ERASURE_HELD' });
});

test('R-RET-04 a hold that a kill left without its copies forbids an erasure all the same', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([jane()]);
  const died = new Error('killed');
  const killed = before(clickhouse, 'INSERT INTO audit_hold_events', () => Promise.reject(died));
  await expect(place(killed)).rejects.toBe(died);
  await expect(erase(clickhouse, JANE)).rejects.toMatchObject({ code: 'ERASURE_HELD' });
  expect(await namesIn(ledger, 'audit_events')).toEqual(['Jane Doe']);
});

test('many that begin at once take turns, each one of its own', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  let inside = 0;
  await Promise.all(
    Array.from({ length: 6 }, () =>
      inTurn(clickhouse, 'sync', async () => {
        inside += 1;
        expect(inside).toBe(1);
        await clickhouse.query('SELECT sleep(0.05)');
        inside -= 1;
      }),
    ),
  );
  const [row] = await clickhouse.query<{ turns: string; holders: string }>(
    'SELECT uniqExact(turn) AS turns, uniqExact(holder) AS holders FROM audit_turns',
  );
  expect(row).toEqual({ turns: '6', holders: '6' });
});

test('R-RET-03 an erasure that was killed goes on in the engine: until it ends there, no hold is placed', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([jane()]);
  await clickhouse.command('SYSTEM STOP MERGES audit_events');
  const died = new Error('killed');
  const killed: ClickHouse = {
    ...clickhouse,
    async command(sql, options) {
      await clickhouse.command(sql, { ...options, settings: { mutations_sync: 0 } });
      if (sql.includes('UPDATE')) throw died;
    },
  };
  await expect(erase(killed, JANE)).rejects.toBe(died);
  await expect(place(clickhouse)).rejects.toMatchObject({ code: 'KEEPING_BUSY' });
  await clickhouse.command('SYSTEM START MERGES audit_events');
  await until(
    'the erasure has ended',
    () => namesIn(ledger, 'audit_events'),
    ([name]) => name === '[erased]',
  );
  expect(await listHolds(clickhouse)).toEqual([]);
});
