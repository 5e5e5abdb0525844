/**
 * R-DLV-06: the ledger's table is rebuilt from Kafka while workers go on, killed in the middle or not, and put in
 * place only when it holds all that the old one holds.
 */
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import kafkajs from 'kafkajs';
import { verify, type VerifyReport } from '../../consumers/index.ts';
import { openScene, type Scene, wireRow as plainRow } from '../support/scene.ts';
import { until } from '../support/until.ts';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.ts';
import { CLI, type Ran, runCli } from '../cli/run-cli.ts';

vi.setConfig({ testTimeout: 300_000 });

const scenes: Scene[] = [];
afterEach(async () => {
  for (const one of scenes.splice(0)) await one.close();
});

async function scene(): Promise<Scene> {
  const opened = await openScene({
    brokers: inject('brokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    partitions: 2,
  });
  scenes.push(opened);
  return opened;
}

const wireRow = (fields: Readonly<Record<string, unknown>> = {}): string =>
  plainRow({ source_ip: '::ffff:10.1.2.3', ...fields });
const messages = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ value: wireRow(), partition: n % 2 }));

/** Short leases, and workers that are given up soon. */
const BRISK = {
  LEDGERLINE_SESSION_TIMEOUT_MS: '6000',
  LEDGERLINE_INSERT_TIMEOUT_MS: '2500',
  LEDGERLINE_LEASE_MS: '5000',
  LEDGERLINE_BATCH_AGE_MS: '100',
};

const environment = ({ place, topic }: Scene): Record<string, string> => ({
  LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
  LEDGERLINE_KAFKA_TOPIC: topic,
  LEDGERLINE_KAFKA_GROUP: topic,
  LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
  LEDGERLINE_CLICKHOUSE_DATABASE: place.database,
  LEDGERLINE_LOG_LEVEL: 'silent',
  ...BRISK,
});

const rebuild = (its: Scene, ...args: string[]): Promise<Ran> =>
  runCli(['rebuild', ...args], { env: environment(its) });

const answered = ({ code, stdout, stderr }: Ran): Record<string, unknown> => {
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
};

const verified = ({ topic, clickhouse }: Scene, deep = false): Promise<VerifyReport> =>
  verify({ kafka: { brokers: inject('brokers'), topic, group: topic }, clickhouse, deep });

const one = async (its: Scene, sql: string): Promise<string | undefined> => {
  const [row] = await its.clickhouse.query<{ v: string }>(sql);
  return row?.v;
};

const sync = { settings: { mutations_sync: 2 } };
const AT = 'kafka_partition = 0 AND kafka_offset =';

async function retention(its: Scene, before: number): Promise<void> {
  const admin = new kafkajs.Kafka({
    brokers: [...inject('brokers')],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  await admin.fetchTopicOffsets(its.topic);
  await admin.deleteTopicRecords({
    topic: its.topic,
    partitions: [0, 1].map((partition) => ({ partition, offset: String(before) })),
  });
  await admin.disconnect();
}

describe('R-DLV-06: a rebuild under load, after retention, with an erased event and unfit messages', () => {
  it('is killed, goes on, is swapped in under running workers, and loses, doubles and uncovers nothing', async () => {
    const its = await scene();
    its.worker(BRISK);
    await its.produce([
      ...messages(200),
      { value: '{"nonsense"', partition: 0 },
      { value: wireRow({ shade: 'blue' }), partition: 1 },
    ]);
    await its.judgeWhenCommitted();
    // Kafka forgets the first forty of each partition; an event that it still holds is erased.
    await retention(its, 40);
    await its.clickhouse.command(
      `ALTER TABLE audit_events UPDATE actor_name = '', attributes = mapUpdate(attributes, map('ledger.erased', 'actor_name')) WHERE ${AT} 60`,
      sync,
    );
    const load = setInterval(() => void its.produce(messages(10)), 200);
    try {
      const victim: WorkerProcess = spawnWorker(
        { ...its.place, env: { ...BRISK, LEDGERLINE_LOG_LEVEL: 'info' } },
        [CLI, 'rebuild', '--into', 'events_2'],
      );
      await until(
        'the rebuild has read something',
        () => one(its, 'SELECT count() AS v FROM events_2').catch(() => '0'),
        (rows) => Number(rows) > 80,
      );
      victim.kill('SIGKILL');
      await victim.exited;
      const filled = answered(await rebuild(its, '--into', 'events_2', '--json'));
      expect(filled).toMatchObject({ table: 'events_2', resumed: true, caughtUp: true });
      // Erased after it was read.
      await its.clickhouse.command(
        `ALTER TABLE audit_events UPDATE actor_name = '', attributes = mapUpdate(attributes, map('ledger.erased', 'actor_name')) WHERE ${AT} 70`,
        sync,
      );
      const swapped = answered(await rebuild(its, 'swap', 'events_2', '--json'));
      expect(swapped).toMatchObject({ table: 'events_2' });
    } finally {
      clearInterval(load);
    }
    const last = await its.judgeWhenCommitted();
    expect(last).toMatchObject({ missing: [], doubled: [] });
    const report = await verified(its, true);
    expect(report).toMatchObject({
      sound: true,
      totals: { missing: 0, doubled: 0, altered: 0, erased: 2, notConsumed: 0 },
    });
    expect(
      await one(
        its,
        "SELECT count() AS v FROM audit_events WHERE kafka_offset < 40 AND NOT startsWith(event_type, 'ledger.')",
      ),
    ).toBe('80');
    const lacking = `SELECT count() AS v FROM events_2 WHERE (kafka_partition, kafka_offset) NOT IN (SELECT kafka_partition, kafka_offset FROM audit_events)`;
    expect(await one(its, lacking)).toBe('0');
    // Audited, and the old table is kept until it is dropped by name.
    await until(
      'the swap is on record',
      () =>
        one(
          its,
          "SELECT groupUniqArray(event_type) AS v FROM audit_events WHERE category = 'ledger'",
        ),
      (types) => String(types).includes('ledger.rebuild.swapped'),
    );
    expect((await rebuild(its, 'drop', 'events_2')).code).toBe(2);
    expect(
      answered(await rebuild(its, 'drop', 'events_2', '--yes', 'events_2', '--json')),
    ).toMatchObject({
      table: 'events_2',
    });
    expect((await rebuild(its, 'drop', 'audit_events', '--yes', 'audit_events')).code).toBe(1);
  });
});

describe('R-DLV-06: a swap that would lose or double', () => {
  it('is refused, the ledger stays what it was, and its workers go on', async () => {
    const its = await scene();
    its.worker(BRISK);
    await its.produce(messages(40));
    await its.judgeWhenCommitted();
    expect((await rebuild(its, 'swap', 'events_2')).stderr).toContain('No rebuild has filled');
    answered(await rebuild(its, '--into', 'events_2', '--json'));
    await its.clickhouse.command(`INSERT INTO events_2 SELECT * FROM events_2 WHERE ${AT} 3`);
    const refused = await rebuild(its, 'swap', 'events_2');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('holds 1 rows more than once');
    await its.produce(messages(10));
    expect(await its.judgeWhenCommitted()).toMatchObject({ missing: [], doubled: [] });
  });

  it('control: exchanged without the comparison, verify finds what is gone', async () => {
    const its = await scene();
    const worker = its.worker(BRISK);
    await its.produce(messages(20));
    await its.judgeWhenCommitted();
    worker.kill('SIGKILL');
    await worker.exited;
    await its.clickhouse.command('CREATE TABLE events_2 AS audit_events');
    await its.clickhouse.command(
      `INSERT INTO events_2 SELECT * FROM audit_events WHERE NOT (${AT} 5)`,
    );
    await its.clickhouse.command('EXCHANGE TABLES audit_events AND events_2');
    expect(await verified(its)).toMatchObject({ sound: false, totals: { missing: 1 } });
  });
});

describe('R-DLV-06: a swap that is killed', () => {
  it('behind its fence, and again behind the exchange, is ended by the next; its workers wait and lose nothing', async () => {
    const its = await scene();
    its.worker(BRISK);
    await its.produce(messages(60));
    await its.judgeWhenCommitted();
    answered(await rebuild(its, '--into', 'events_2', '--json'));
    const ofTable = (what: string, table: string): Promise<string | undefined> =>
      one(
        its,
        `SELECT toString(${what}) AS v FROM system.tables WHERE database = currentDatabase() AND name = '${table}'`,
      );
    const swapping = (): WorkerProcess =>
      spawnWorker({ ...its.place, env: environment(its) }, [CLI, 'rebuild', 'swap', 'events_2']);
    const kill = async (victim: WorkerProcess): Promise<void> => {
      victim.kill('SIGKILL');
      await victim.exited;
    };

    const first = swapping();
    await until(
      'the workers are fenced',
      () => ofTable('comment', 'events_2'),
      (comment) => comment?.includes('"step":"fenced"') === true,
    );
    await kill(first);
    await its.produce(messages(10));
    const { stdout } = await rebuild(its, 'list');
    expect(stdout).toContain('being swapped');
    expect(stdout).toContain('ledgerline rebuild swap events_2');
    expect((await rebuild(its, 'drop', 'events_2', '--yes', 'events_2')).stderr).toContain(
      'is being swapped',
    );

    // The next writes its fence down anew; then a statement on the table keeps it from its end.
    const written = await ofTable('metadata_modification_time', 'events_2');
    await until(
      'the time has moved on',
      () => one(its, 'SELECT toString(now()) AS v'),
      (now) => now !== undefined && written !== undefined && now > written,
    );
    const second = swapping();
    await until(
      'the swap has gone on',
      () => ofTable('metadata_modification_time', 'events_2'),
      (at) => at !== undefined && written !== undefined && at > written,
    );
    const busy = new AbortController();
    const slow = its.clickhouse
      .query("SELECT sleepEachRow(1), 'events_2' FROM numbers(60) SETTINGS max_block_size = 1", {
        signal: busy.signal,
        timeoutMs: 70_000,
        settings: { cancel_http_readonly_queries_on_client_close: 1 },
      })
      .catch(() => undefined);
    await until(
      'the tables are exchanged',
      () => ofTable('comment', 'audit_events'),
      (comment) => comment?.includes('"kind":"rebuild"') === true,
      60_000,
    );
    await kill(second);
    busy.abort();
    await slow;
    expect(JSON.parse((await rebuild(its, 'list', '--json')).stdout)).toMatchObject([
      { table: 'audit_events', state: 'fenced', next: 'ledgerline rebuild swap events_2' },
    ]);

    expect(answered(await rebuild(its, 'swap', 'events_2', '--json'))).toMatchObject({
      table: 'events_2',
    });
    expect(await its.judgeWhenCommitted()).toMatchObject({ missing: [], doubled: [] });
    expect(await verified(its, true)).toMatchObject({
      sound: true,
      totals: { missing: 0, doubled: 0, altered: 0, notConsumed: 0 },
    });
    expect(JSON.parse((await rebuild(its, 'list', '--json')).stdout)).toMatchObject([
      {
        table: 'events_2',
        state: 'replaced',
        next: 'ledgerline rebuild drop events_2 --yes events_2',
      },
    ]);
  });
});

describe('backup and restore', () => {
  it('an older backup is restored, the offsets go back to the beginning, and looking first heals the rest', async () => {
    const its = await scene();
    const worker = its.worker(BRISK);
    await its.produce(messages(30));
    await its.judgeWhenCommitted();
    const { database } = its.place;
    await its.clickhouse.command(`BACKUP DATABASE ${database} TO File('${database}')`);
    await its.produce(messages(30));
    await its.judgeWhenCommitted();
    worker.kill('SIGTERM');
    await worker.exited;
    for (const table of ['audit_events', 'audit_quarantine']) {
      await its.clickhouse.command(`DROP TABLE ${table} SYNC`);
      await its.clickhouse.command(`RESTORE TABLE ${database}.${table} FROM File('${database}')`);
    }
    expect(await one(its, 'SELECT count() AS v FROM audit_events')).toBe('30');
    expect(await verified(its)).toMatchObject({ sound: false, totals: { missing: 30 } });
    const admin = new kafkajs.Kafka({
      brokers: [...inject('brokers')],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    await until(
      'the group takes its offsets back to the beginning',
      async () => {
        await admin.resetOffsets({ groupId: its.topic, topic: its.topic, earliest: true });
        return true;
      },
      Boolean,
    );
    await admin.disconnect();
    its.worker(BRISK);
    expect(await its.judgeWhenCommitted()).toMatchObject({ stored: 60, missing: [], doubled: [] });
    expect(await verified(its, true)).toMatchObject({ sound: true, totals: { altered: 0 } });
  });
});
