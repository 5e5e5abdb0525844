import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { type ClickHouse, listHolds, openClickHouse, releaseHold } from '../../clickhouse/index.ts';
import { placeOnRecord } from '../../cli/holds/recording.ts';
import type { OperatorRecord } from '../../cli/operator-record.ts';
import { createTopic } from '../../consumers/index.ts';
import { makeLedger } from '../support/ledger-template.ts';
import { until } from '../support/until.ts';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.ts';
import { CLI, type Ran, runCli } from './run-cli.ts';

// Each starts Node several times: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const run = randomUUID().slice(0, 8);
const topic = `retention-${run}`;
const database = `retention_${run}`;
const folder = mkdtempSync(join(tmpdir(), 'ledgerline-retention-'));
let worker: WorkerProcess;
let clickhouse: ClickHouse;

const environment = (): Record<string, string> => ({
  LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
  LEDGERLINE_KAFKA_TOPIC: topic,
  LEDGERLINE_KAFKA_GROUP: topic,
  LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
  LEDGERLINE_CLICKHOUSE_DATABASE: database,
});

const ledgerline = (args: string[], env: Record<string, string> = {}): Promise<Ran> =>
  runCli(args, { env: { ...environment(), ...env } });

/** More than a pipe holds. */
const MANY = 'SELECT 43 AS n FROM numbers(300000)';

/** Events of a type, in the nested form of their data, once there are so many. */
const recorded = (type: string, events: number): Promise<Record<string, unknown>[]> =>
  until(
    `${events} of ${type} are stored`,
    async () => {
      const rows = await clickhouse.query<{ data: string; reason: string; actor_id: string }>(
        'SELECT data, reason, actor_id FROM audit_events WHERE event_type = {type:String} ORDER BY occurred_at',
        { params: { type } },
      );
      return rows.map(({ data, ...rest }) => ({ ...rest, ...(JSON.parse(data) as object) }));
    },
    (rows) => rows.length >= events,
    30_000,
  );

beforeAll(async () => {
  await createTopic({ brokers: inject('brokers'), topic }, { partitions: 1 });
  clickhouse = openClickHouse({ url: inject('clickhouseUrl'), database });
  await makeLedger(clickhouse);
  await clickhouse.command('SYSTEM STOP TTL MERGES audit_events');
  worker = spawnWorker({
    brokers: inject('brokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    database,
    topic,
  });
  await worker.logged('joined the group');
  await clickhouse.command(
    `INSERT INTO audit_events (wire_version, event_id, event_type, category, occurred_at, actor_type, actor_id, service, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp)
     SELECT 1, generateUUIDv4(), 'app.created', 'app', now64(6) - toIntervalDay(80), 'user', 'u', 's', 't', generateUUIDv4(), 7, number, now64(3) FROM numbers(1000)`,
  );
});

afterAll(async () => {
  worker.kill('SIGKILL');
  await clickhouse.command('DROP DATABASE {database:Identifier} SYNC', {
    params: { database },
    database: 'default',
  });
  await clickhouse.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('R-RET-01, R-RET-02: retention on the command line', () => {
  it('says what shorter days would expire, asks, and changes nothing without a yes', async () => {
    const dry = await ledgerline(['retention', 'set', 'standard=30', '--dry-run']);
    expect([dry.code, dry.stderr]).toEqual([0, '']);
    expect(dry.stdout).toMatch(/standard: 90 → 30 days; 1,000 events would expire/);
    const unasked = await ledgerline(['retention', 'set', 'standard=30']);
    expect(unasked.code).toBe(2);
    expect(unasked.stderr).toMatch(/needs a yes.*--yes/);
    const { stdout } = await ledgerline(['retention', 'status', '--json']);
    const { classes } = JSON.parse(stdout) as { classes: { name: string; days: number }[] };
    expect(classes.find(({ name }) => name === 'standard')?.days).toBe(90);
  });

  it('changes days on the record, and a sweep removes what expired, on the record', async () => {
    const args = ['retention', 'set', 'standard=30', '--yes', '--json'];
    const set = await ledgerline([...args, '--reason', 'review', '--actor', 'ops-1']);
    expect([set.code, set.stderr]).toEqual([0, '']);
    expect(JSON.parse(set.stdout)).toMatchObject({
      changed: true,
      before: { classes: { standard: 90 }, cleanup: true },
      after: { classes: { standard: 30 }, cleanup: true },
    });
    const [changed] = await recorded('ledger.retention.changed', 1);
    expect(changed).toMatchObject({
      actor_id: 'ops-1',
      reason: 'review',
      before: { classes: { standard: 90 } },
      after: { classes: { standard: 30 } },
      expiring: { standard: 1000 },
    });

    const metrics = join(folder, 'sweep.prom');
    const swept = await ledgerline(['retention', 'sweep', '--metrics', metrics, '--json']);
    expect([swept.code, swept.stderr]).toEqual([0, '']);
    expect(JSON.parse(swept.stdout)).toMatchObject({ removedRows: 1000, expiredRows: 1000 });
    expect(readFileSync(metrics, 'utf8')).toMatch(/^ledgerline_sweep_removed_rows 1000$/m);
    const [removal] = await recorded('ledger.retention.swept', 1);
    expect(removal).toMatchObject({ removedRows: 1000, interrupted: false });
  });

  it('with AUDIT_TRAIL_CLEANUP_ENABLED=false a sweep removes nothing and says so', async () => {
    const swept = await ledgerline(['retention', 'sweep'], {
      AUDIT_TRAIL_CLEANUP_ENABLED: 'false',
    });
    expect(swept.code).toBe(0);
    expect(swept.stdout).toMatch(/expiry is stopped.*\n0 events past their days have piled up/);
  });

  it('pauses and resumes all expiry, on the record', async () => {
    expect((await ledgerline(['retention', 'pause'])).stdout).toMatch(/nothing expires until/);
    expect((await ledgerline(['retention', 'pause'])).stdout).toBe('expiry is stopped already\n');
    expect((await ledgerline(['retention', 'status'])).stdout).toMatch(/expiry is stopped/);
    expect((await ledgerline(['retention', 'resume'])).stdout).toBe('events expire again\n');
    expect(await recorded('ledger.retention.changed', 3)).toMatchObject([
      {},
      { after: { cleanup: false } },
      { after: { cleanup: true } },
    ]);
  });

  it('migrate changes the retention of a ledger in use on the record as well', async () => {
    const env = { AUDIT_TRAIL_RETENTION_DAYS: '45', AUDIT_TRAIL_CLEANUP_ENABLED: 'false' };
    const changed = await ledgerline(['migrate', '--json'], env);
    expect(changed.code).toBe(0);
    expect(JSON.parse(changed.stdout)).toMatchObject({
      retentionChanged: true,
      cleanup: false,
      retention: { standard: 45 },
    });
    const back = { AUDIT_TRAIL_RETENTION_DAYS: '30', AUDIT_TRAIL_CLEANUP_ENABLED: 'true' };
    expect((await ledgerline(['migrate'], back)).code).toBe(0);
    const unset = await ledgerline(['migrate', '--json']);
    expect(JSON.parse(unset.stdout)).toMatchObject({ retentionChanged: false, cleanup: true });
    const changes = await recorded('ledger.retention.changed', 5);
    expect(changes[3]).toMatchObject({
      before: { classes: { standard: 30 }, cleanup: true },
      after: { classes: { standard: 45 }, cleanup: false },
    });
  });

  it('R-RET-03 holds are placed and released on the record, and asked about where they hold all or nothing', async () => {
    const words = ['--name', 'Case 17', '--owner', 'legal', '--reason', 'litigation'];
    const place = (query: string, ...more: string[]) =>
      ledgerline(['hold', 'place', query, ...words, '--actor', 'ops-1', ...more]);
    for (const query of ['type:*', 'actor:nobody']) {
      const unasked = await place(query);
      expect([unasked.code, unasked.stdout]).toEqual([2, '']);
      expect(unasked.stderr).toMatch(/needs a yes.*--yes/);
    }
    const zone = ['--time-zone', 'Pacific/Honolulu'];
    const placed = await place('type:ledger.retention.swept', '--json', ...zone);
    expect([placed.code, placed.stderr]).toEqual([0, '']);
    const hold = JSON.parse(placed.stdout) as { id: string; events: number };
    expect(hold.events).toBeGreaterThan(0);
    const [event] = await recorded('ledger.hold.placed', 1);
    expect(event).toMatchObject({
      actor_id: 'ops-1',
      reason: 'litigation',
      query: 'type:ledger.retention.swept',
      timeZone: 'Pacific/Honolulu',
      events: hold.events,
    });
    expect((await ledgerline(['hold', 'list'])).stdout).toContain('Case 17');
    const release = ['hold', 'release', hold.id, '--reason', 'closed', '--actor', 'ops-2', '--yes'];
    expect((await ledgerline(release)).stdout).toMatch(/^released: /);
    expect(await recorded('ledger.hold.released', 1)).toMatchObject([
      { actor_id: 'ops-2', reason: 'closed', name: 'Case 17' },
    ]);
    expect((await ledgerline(['hold', 'list'])).stderr).toBe('no holds; released ones: --all\n');
  });

  it('R-RET-03 a hold that stands although placing it failed is on record, with what failed', async () => {
    const record = { add: vi.fn<OperatorRecord['add']>(() => Promise.resolve()) };
    // Copying fails once the hold is noted, as it would where ClickHouse goes away.
    const failing: ClickHouse = {
      ...clickhouse,
      command: async (sql, options) => {
        if (sql.startsWith('INSERT INTO audit_held')) throw new Error('gone');
        return clickhouse.command(sql, options);
      },
    };
    const wanted = { query: '', name: 'n', owner: 'o', reason: 'r', actor: 'a' };
    const placing = placeOnRecord(record, failing, wanted, { tenant: 'default' });
    await expect(placing).rejects.toThrow('gone');
    const [hold] = await listHolds(clickhouse);
    expect(record.add.mock.calls).toMatchObject([
      [{ type: 'ledger.hold.placed', target: { id: hold?.id }, error: { code: 'UNEXPECTED' } }],
    ]);
    await releaseHold(clickhouse, { hold: hold?.id ?? '', reason: 'closed', actor: 'a' });
  });

  it('does nothing that could not be recorded', async () => {
    const set = await ledgerline(['retention', 'set', 'standard=20', '--yes'], {
      LEDGERLINE_KAFKA_BROKERS: '127.0.0.1:1',
    });
    expect(set.code).toBe(1);
    expect(set.stderr).toMatch(/Kafka/);
    const { stdout } = await ledgerline(['retention', 'status', '--json']);
    expect(stdout).toContain('"name":"standard","days":30');
  });

  it('R-ASK-04: looking into the ledger is on record, and can be made to depend on it', async () => {
    const reads = { LEDGERLINE_RECORD_READS: 'attempt' };
    const found = await ledgerline(['search', 'actor:nobody', '--tenant', 'acme', '--json'], reads);
    expect([found.code, found.stderr]).toEqual([0, '']);
    const asked = await ledgerline(['query', 'SELECT 42 AS n', '--json'], reads);
    expect([asked.code, asked.stderr]).toEqual([0, '']);
    expect(await recorded('ledger.read', 2)).toMatchObject([
      { query: 'actor:nobody', language: 'search', tenants: ['acme'] },
      { query: 'SELECT 42 AS n', language: 'sql' },
    ]);
    const away = { LEDGERLINE_KAFKA_BROKERS: '127.0.0.1:1' };
    const beside = await ledgerline(['query', 'SELECT 42 AS n', '--json'], { ...reads, ...away });
    expect(beside.code).toBe(0);
    expect(JSON.parse(beside.stdout)).toEqual([{ n: 42 }]);
    expect(beside.stderr).toMatch(/this look is not on record/);
    const refused = await ledgerline(['query', 'SELECT 42 AS n'], {
      LEDGERLINE_RECORD_READS: 'required',
      ...away,
    });
    expect([refused.code, refused.stdout]).toEqual([1, '']);
  });

  it('R-ASK-04: a reader that closes the pipe early is on record as well', async () => {
    const before = (await recorded('ledger.read', 0)).length;
    const child = spawn(process.execPath, [CLI, 'query', MANY, '--format', 'ndjson'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], ...environment(), LEDGERLINE_RECORD_READS: 'attempt' },
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    expect((await recorded('ledger.read', before + 1)).at(-1)).toMatchObject({
      query: MANY,
    });
  });

  it('R-RET-04: an erasure whose reader has gone goes on to its end; one whose answer finds no room says so', async () => {
    const named = (actor: string) =>
      clickhouse.command(
        `INSERT INTO audit_events (wire_version, event_id, event_type, category, occurred_at, actor_type, actor_id, actor_name, service, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp)
         SELECT 1, generateUUIDv4(), 'app.created', 'app', now64(6), 'user', {actor:String}, 'Jane', 's', 't', generateUUIDv4(), 7, 1, now64(3)`,
        { params: { actor } },
      );
    const nameOf = (actor: string) =>
      clickhouse.query('SELECT actor_name FROM audit_events WHERE actor_id = {actor:String}', {
        params: { actor },
      });
    await named('u_pipe');
    const child = spawn(process.execPath, [CLI, 'erase', 'u_pipe', '--yes'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], ...environment() },
    });
    child.stdout.destroy();
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(await nameOf('u_pipe')).toEqual([{ actor_name: '[erased]' }]);

    await named('u_full');
    const full = openSync('/dev/full', 'w');
    const ran = spawnSync(process.execPath, [CLI, 'erase', 'u_full', '--yes'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...environment() },
    });
    closeSync(full);
    expect(ran.stderr).toMatch(/^ledgerline: the answer could not be written \(ENOSPC\)[^\n]*\n$/);
    expect(ran.status).toBe(1);
    expect(await nameOf('u_full')).toEqual([{ actor_name: '[erased]' }]);
  });

  it.each([
    [['set', 'standard'], /"standard" is not of the form class=days/],
    [['set', 'standard=0', '--yes'], /days are a whole number from 1 to/],
    [['set', 'standard=3', 'standard=4'], /given twice/],
    [['set', 'Bad=3'], /"Bad=3" is not of the form/],
    [['set', 'standard=36501', '--dry-run'], /days are a whole number from 1 to/],
    [['sweep', '--metrics', '/no/such/folder/x.prom'], /there is no such folder/],
    [['sweep', '--metrics', folder], /is a folder/],
  ])('%j is refused by name, before anything is said or done', async (args, said) => {
    const { code, stdout, stderr } = await ledgerline(['retention', ...args]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(said);
  });
});
