import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  applyRetention,
  migrate,
  placeHold,
  plannedMigrations,
  releaseHold,
  setCleanup,
  sweep,
} from '../../clickhouse/index.ts';
import { knownMigrations } from '../../clickhouse/migrations.ts';
import { NEW_TABLE } from '../../clickhouse/retention/classes.ts';
import { keptView } from '../../clickhouse/views/kept.ts';
import { daysAgo, type Ledger, ledgerForTest, openLedger, row } from './support.ts';

const actors = async ({ clickhouse }: Ledger): Promise<string[]> => {
  const rows = await clickhouse.query<{ actor_id: string }>(
    'SELECT actor_id FROM audit_kept ORDER BY actor_id',
  );
  return rows.map(({ actor_id }) => actor_id);
};

test('the migrated view is the one that a change of retention makes', async () => {
  const statements = (await knownMigrations()).flatMap((migration) => migration.statements);
  const last = statements.findLast((sql) => sql.startsWith('CREATE OR REPLACE VIEW audit_kept AS'));
  expect(last).toBe(keptView(NEW_TABLE, undefined));
});

test('R-RET-01 a view shows nothing whose days are over, by the days of the table as they are now', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  // One part each: the table itself removes nothing of a part that still holds something.
  await ledger.insert([
    row({ actor_id: 'five days', occurred_at: daysAgo(5) }),
    row({ actor_id: 'today' }),
  ]);
  expect(await actors(ledger)).toEqual(['five days', 'today']);
  await applyRetention(clickhouse, { standard: 3 });
  expect(await actors(ledger)).toEqual(['today']);
  await setCleanup(clickhouse, false);
  expect(await actors(ledger)).toEqual(['five days', 'today']);
  await setCleanup(clickhouse, true);
  await applyRetention(clickhouse, { standard: 30 });
  expect(await actors(ledger)).toEqual(['five days', 'today']);
});

test('R-RET-03 a held event is seen once, before and after its days are over, until its release', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  await ledger.insert([
    row({ actor_id: 'held', occurred_at: daysAgo(5) }),
    row({ actor_id: 'other', occurred_at: daysAgo(5) }),
    row({ actor_id: 'today' }),
  ]);
  const hold = await placeHold(clickhouse, {
    query: 'actor:held',
    tenant: 'default',
    name: 'case',
    owner: 'legal',
    reason: 'litigation',
    actor: 'ops',
  });
  expect(await actors(ledger)).toEqual(['held', 'other', 'today']);
  await applyRetention(clickhouse, { standard: 3 });
  expect(await actors(ledger)).toEqual(['held', 'today']);
  await applyRetention(clickhouse, { standard: 30 });
  expect(await actors(ledger)).toEqual(['held', 'other', 'today']);
  await applyRetention(clickhouse, { standard: 3 });
  await sweep(clickhouse);
  await setCleanup(clickhouse, false);
  expect(await actors(ledger)).toEqual(['held', 'today']);
  await setCleanup(clickhouse, true);
  await applyRetention(clickhouse, { standard: 30 });
  expect(await actors(ledger)).toEqual(['held', 'today']);
  await applyRetention(clickhouse, { standard: 3 });
  await releaseHold(clickhouse, { hold: hold.id, reason: 'closed', actor: 'ops' });
  expect(await actors(ledger)).toEqual(['today']);
});

test('a change of retention that was cut short before the view is mended by the next migration', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await applyRetention(clickhouse, { standard: 30 });
  await clickhouse.command(keptView(NEW_TABLE, undefined));
  const [step] = await plannedMigrations(clickhouse);
  expect(step).toMatchObject({
    name: 'retention',
    statements: [
      'ALTER TABLE audit_events MATERIALIZE TTL',
      expect.stringContaining('CREATE OR REPLACE VIEW audit_kept'),
    ],
  });
  await migrate(clickhouse);
  expect(await plannedMigrations(clickhouse)).toEqual([]);
});

describe('R-ASK-07 a view reads only what is asked for', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await openLedger();
    for (const tenant_id of ['acme', 'beta']) {
      await ledger.insert([row({ tenant_id }), row({ tenant_id, occurred_at: daysAgo(40) })]);
    }
  });
  afterAll(() => ledger.close());

  const planOf = async (view: string, condition: string): Promise<string> => {
    const plan = await ledger.clickhouse.query<{ explain: string }>(
      `EXPLAIN indexes = 1 SELECT * FROM ${view} WHERE ${condition}`,
    );
    return plan.map(({ explain }) => explain).join('\n');
  };

  test.each(['audit_kept', 'audit_changes', 'audit_refusals'])(
    'of %s the tenant and the time',
    async (view) => {
      const plan = await planOf(
        view,
        "tenant_id = 'acme' AND occurred_at > now() - INTERVAL 7 DAY",
      );
      expect(plan).toMatch(/Condition: .*tenant_id in \['acme', 'acme'\]/);
      expect(plan).toMatch(/Condition: .*occurred_at in/);
    },
  );

  test.each(['audit_counts', 'audit_sessions', 'audit_first_seen'])(
    'of %s the tenant',
    async (view) => {
      const plan = await planOf(view, "tenant_id = 'acme'");
      expect(plan).toMatch(/Condition: .*tenant_id in \['acme', 'acme'\]/);
    },
  );
});
