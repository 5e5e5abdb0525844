import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  applyRetention,
  DEFAULT_RETENTION,
  loadRetention,
  plannedMigrations,
  readRetention,
  readRetentionState,
  setCleanup,
  sweep,
} from '../../clickhouse/index.ts';
import { knownMigrations } from '../../clickhouse/migrations.ts';
import { expiryExpression } from '../../clickhouse/retention/classes.ts';
import { parseRetentionFile } from '../../clickhouse/retention/file.ts';
import { until } from '../support/until.ts';
import { daysAgo, ledgerForTest, row } from './support.ts';
import type { Ledger } from './support.ts';

async function storedDays({ clickhouse }: Ledger): Promise<string[]> {
  const rows = await clickhouse.query<{ actor_id: string }>(
    'SELECT actor_id FROM audit_events ORDER BY actor_id',
  );
  return rows.map(({ actor_id }) => actor_id);
}

test('the migrated table has the default classes, in TTL, constraint and view alike', async () => {
  const ledger = await ledgerForTest();
  expect(await readRetention(ledger.clickhouse)).toEqual(DEFAULT_RETENTION);
  const written = (await knownMigrations()).flatMap(({ statements }) => statements).join('\n');
  // Of the table, and in both halves of the view.
  expect(written.split(expiryExpression({ classes: DEFAULT_RETENTION }))).toHaveLength(1 + 2 + 2);
});

test('R-RET-01 shortening a class expires its older rows and leaves newer ones and other classes', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([
    row({ actor_id: 'old', occurred_at: daysAgo(80) }),
    row({ actor_id: 'new', occurred_at: daysAgo(1) }),
    row({
      actor_id: 'old but protected',
      category: 'security',
      retention_class: 'protected',
      occurred_at: daysAgo(80),
    }),
  ]);
  const change = await applyRetention(clickhouse, { standard: 30 });
  expect(change).toMatchObject({
    changed: true,
    before: { standard: 90 },
    after: { standard: 30 },
  });
  await until(
    'the old row is gone',
    () => storedDays(ledger),
    (days) => !days.includes('old'),
  );
  expect(await storedDays(ledger)).toEqual(['new', 'old but protected']);
  await expect(ledger.insert([row({ occurred_at: daysAgo(31) })])).rejects.toMatchObject({
    constraint: 'not_expired',
  });
});

test('R-RET-01 lengthening a class takes older rows at once; a hundred years do not wrap round', async () => {
  const ledger = await ledgerForTest({ retention: { year: 400, lifetime: 36_500 } });
  await ledger.insert([
    row({ actor_id: 'a year', retention_class: 'year', occurred_at: daysAgo(390) }),
    row({
      actor_id: 'born 1971',
      retention_class: 'lifetime',
      occurred_at: '1971-01-01T00:00:00Z',
    }),
    row({ actor_id: 'born today', retention_class: 'lifetime' }),
    row({ actor_id: 'standard', occurred_at: daysAgo(80) }),
  ]);
  await applyRetention(ledger.clickhouse, { standard: 30 });
  await until(
    'expiry has run over the table',
    () => storedDays(ledger),
    (days) => !days.includes('standard'),
  );
  await ledger.clickhouse.command('OPTIMIZE TABLE audit_events FINAL');
  expect(await storedDays(ledger)).toEqual(['a year', 'born 1971', 'born today']);
});

test('R-RET-01 a change that was cut short after the first statement is completed by the same again', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await ledger.insert([row({ occurred_at: daysAgo(80) })]);
  const [alter = ''] = (
    await plannedMigrations(clickhouse, { retention: { standard: 365 } })
  ).flatMap(({ statements }) => statements);
  await clickhouse.command(alter, { settings: { materialize_ttl_after_modify: 0 } });
  const daysLeft = async (): Promise<number> => {
    const [part] = await clickhouse.query<{ days: number }>(
      `SELECT toInt32(dateDiff('day', now(), max(delete_ttl_info_max))) AS days FROM system.parts
       WHERE database = currentDatabase() AND table = 'audit_events' AND active`,
    );
    return part?.days ?? Number.NaN;
  };
  expect(await daysLeft()).toBeLessThan(20);
  expect(await applyRetention(clickhouse, { standard: 365 })).toMatchObject({ changed: false });
  await until('the part goes by the new days', daysLeft, (days) => days > 280);
  expect(await plannedMigrations(clickhouse, { retention: { standard: 365 } })).toEqual([]);
});

test('R-RET-01 days that were fewer once are remembered as long as they matter', async () => {
  const { clickhouse } = await ledgerForTest();
  const marks = async () => (await readRetentionState(clickhouse)).expiredBefore;
  const days = (mark: string | undefined): number =>
    Math.round((Date.now() - Date.parse(mark ?? '')) / 86_400_000);
  await applyRetention(clickhouse, { standard: 30 });
  expect(await marks()).toBeUndefined();
  await applyRetention(clickhouse, { standard: 365 });
  expect(days((await marks())?.['standard'])).toBe(30);
  await setCleanup(clickhouse, false);
  expect(days((await marks())?.['standard'])).toBe(30);
  expect(days((await marks())?.['protected'])).toBe(400);
  await setCleanup(clickhouse, true);
  await applyRetention(clickhouse, { standard: 30 });
  expect(await marks()).toBeUndefined();
});

test('a class once given is never forgotten, and applying the same again alters nothing', async () => {
  const ledger = await ledgerForTest({ retention: { gateway_reads: 14 } });
  const change = await applyRetention(ledger.clickhouse, { standard: 90 });
  expect(change).toMatchObject({ changed: false, after: { gateway_reads: 14, standard: 90 } });
});

test('faults are listed together, each with its field', async () => {
  const ledger = await ledgerForTest();
  const classes = { "x', now()": 3, standard: 0, reads: 1.5, archive: 100 };
  const refused = applyRetention(ledger.clickhouse, classes);
  await expect(refused).rejects.toMatchObject({ code: 'RETENTION_INVALID' });
  for (const fault of [
    "classes.x', now(): a class is named",
    'classes.standard: days are',
    'classes.reads: days are',
    'classes.archive: at least',
  ]) {
    await expect(refused).rejects.toThrow(fault);
  }
  expect(await readRetention(ledger.clickhouse)).toEqual(DEFAULT_RETENTION);
});

test('the retention file may be YAML or JSON; unknown fields and wrong days are named', async () => {
  expect(await parseRetentionFile('classes:\n  reads: 7\n')).toEqual({ reads: 7 });
  expect(await parseRetentionFile('{"classes": {"reads": 7}}')).toEqual({ reads: 7 });
  await expect(parseRetentionFile('classes: {reads: 0, Bad: 3}')).rejects.toThrow(
    /classes\.reads: .*classes\.Bad: /,
  );
  await expect(parseRetentionFile('clases: {}')).rejects.toThrow(/classes: .*clases/);
  await expect(parseRetentionFile('classes: {reads: soon}')).rejects.toThrow(/classes\.reads/);
  await expect(parseRetentionFile('{')).rejects.toThrow(/neither YAML nor JSON/);
});

test('R-RET-01 AUDIT_TRAIL_RETENTION_DAYS is the class standard; a file adds the others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerline-retention-'));
  const file = join(folder, 'retention.yaml');
  await writeFile(file, 'classes:\n  reads: 7\n');
  expect(await loadRetention({ standardDays: 60, file })).toEqual({ standard: 60, reads: 7 });
  await writeFile(file, 'classes:\n  standard: 7\n');
  await expect(loadRetention({ standardDays: 60, file })).rejects.toThrow(/classes\.standard/);
  await expect(loadRetention({ file: join(folder, 'none') })).rejects.toThrow(/cannot be read/);
  await rm(folder, { recursive: true });
});

test('aggregates count what is past its days until it is swept, and the view that searches agree with does not', async () => {
  const ledger = await ledgerForTest();
  const { clickhouse } = ledger;
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  await ledger.insert([60, 60, 1].map((days) => row({ occurred_at: daysAgo(days) })));
  await applyRetention(clickhouse, { standard: 30 });
  const stored = async (): Promise<string[]> => {
    const rows = await clickhouse.query<{ stored: string }>(
      `SELECT toString(sum(stored)) AS stored FROM audit_hourly UNION ALL
       SELECT toString(sum(stored)) FROM audit_daily UNION ALL SELECT toString(sum(stored)) FROM audit_counts`,
    );
    return rows.map((one) => one.stored).sort();
  };
  expect(await stored()).toEqual(['1', '3', '3']);
  // Why: an hour's group does not know the class and the moment, so that asking for them reads all rows.
  const plan = async (condition: string): Promise<string> =>
    JSON.stringify(
      await clickhouse.query(
        `EXPLAIN SELECT tenant_id, count() FROM audit_events WHERE ${condition} GROUP BY tenant_id, toStartOfHour(occurred_at)`,
      ),
    );
  expect(await plan('1')).toContain('ReadFromMergeTree (hourly_activity)');
  expect(await plan(`${expiryExpression({ classes: { standard: 30 } })} > now64(6)`)).not.toContain(
    'hourly',
  );
  await sweep(clickhouse);
  expect(await stored()).toEqual(['1', '1', '1']);
});
