import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { workerConfig } from '../../consumers/index.ts';
import { diagnose } from '../../consumers/doctor/diagnose.ts';
import { isGranted } from '../../consumers/doctor/grants.ts';
import type { Finding } from '../../consumers/doctor/finding.ts';
import { openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 60_000 });

const CLI = fileURLToPath(new URL('../../dist/cli/ledgerline.js', import.meta.url));

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({
    brokers: inject('brokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    partitions: 2,
    topicConfig: {
      'cleanup.policy': 'compact',
      'max.message.bytes': '1000',
      'retention.ms': '60000',
    },
  });
  // Asking for a group makes a new broker ready to coordinate groups.
  await until(
    'there is a coordinator',
    () => scene.committed(),
    (offsets) => offsets.length > 0,
  );
}, 90_000);
afterAll(() => scene?.close());

const variables = (): Record<string, string> => ({
  LEDGERLINE_KAFKA_BROKERS: scene.place.brokers.join(','),
  LEDGERLINE_KAFKA_TOPIC: scene.topic,
  LEDGERLINE_CLICKHOUSE_URL: scene.place.clickhouseUrl,
  LEDGERLINE_CLICKHOUSE_DATABASE: scene.place.database,
});

const byCheck = (findings: readonly Finding[]): Record<string, Finding['status']> =>
  Object.fromEntries(findings.map(({ check, status }) => [check, status]));

interface Run {
  readonly code: number | null;
  readonly stdout: string;
}

function run(args: readonly string[], env: Record<string, string>): Promise<Run> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout })));
}

describe('R-DLV-06: ledgerline doctor', () => {
  test('asks the real Kafka and the real engine, and judges what they say', async () => {
    const findings = await diagnose(workerConfig(variables()));
    expect(byCheck(findings)).toMatchObject({
      'kafka.version': 'ok',
      'kafka.brokers': 'warning',
      'kafka.offset-metadata': 'ok',
      // The local broker allows short sessions for tests.
      'kafka.session-timeout': 'ok',
      'topic.partitions': 'ok',
      'topic.replicas': 'warning',
      'topic.cleanup-policy': 'fault',
      'topic.message-size': 'fault',
      'topic.retention': 'warning',
      'rights.topic': 'ok',
      'rights.produce': 'ok',
      'rights.group': 'ok',
      'rights.clickhouse': 'ok',
      'clickhouse.version': 'ok',
      'clickhouse.parts': 'ok',
      'tables.migrations': 'ok',
      'tables.audit_events': 'ok',
      'tables.audit_quarantine': 'ok',
      'tables.retention': 'ok',
      'clocks.clickhouse': 'ok',
      'clocks.kafka': 'ok',
    });
    const version = findings.find(({ check }) => check === 'kafka.version')?.message;
    expect(version).toMatch(/^speaks as Kafka 4\.\d/);
    const unmendable = findings.filter(
      ({ status, mend }) => (status === 'fault' || status === 'warning') && !mend,
    );
    expect(unmendable).toEqual([]);
  });

  test('finds tables that were changed by hand, and migrations that are missing', async () => {
    const { clickhouse } = scene;
    await clickhouse.command(
      'ALTER TABLE audit_events MODIFY SETTING non_replicated_deduplication_window = 5, ttl_only_drop_parts = 0',
    );
    await clickhouse.command('ALTER TABLE audit_quarantine DROP COLUMN error');
    const findings = await diagnose(workerConfig(variables()));
    expect(byCheck(findings)).toMatchObject({
      'tables.audit_events.deduplication': 'fault',
      'tables.audit_events.settings': 'fault',
      'tables.audit_quarantine.columns': 'fault',
    });
    const fresh = { ...variables(), LEDGERLINE_CLICKHOUSE_DATABASE: 'ledger_nowhere' };
    expect(byCheck(await diagnose(workerConfig(fresh)))).toMatchObject({
      'tables.migrations': 'fault',
      'tables.audit_events': 'fault',
      'tables.audit_quarantine': 'fault',
    });
  });

  test('shows what to mend, for people and for programs, and says so by its exit code', async () => {
    const people = await run(['doctor', '--quiet'], variables());
    expect(people.code).toBe(1);
    expect(people.stdout).toContain('fault    topic       cleanup.policy is compact');
    expect(people.stdout).toContain('→ Set cleanup.policy=delete.');
    expect(people.stdout).not.toContain('\nok ');
    const away = await run(['doctor', '--json'], {
      ...variables(),
      LEDGERLINE_KAFKA_BROKERS: '127.0.0.1:1',
      LEDGERLINE_CLICKHOUSE_URL: 'http://127.0.0.1:1',
    });
    expect(away.code).toBe(1);
    const report = JSON.parse(away.stdout) as { healthy: boolean; findings: Finding[] };
    expect(report.healthy).toBe(false);
    expect(byCheck(report.findings)).toMatchObject({
      'kafka.reached': 'fault',
      'clickhouse.reached': 'fault',
      'clocks.kafka': 'unknown',
    });
  });
});

describe('R-DLV-06: rights in ClickHouse', () => {
  const table = { database: 'ledgerline', table: 'audit_events' };
  test.each([
    ['GRANT SELECT, INSERT ON ledgerline.* TO worker', 'SELECT', true],
    ['GRANT SELECT, INSERT ON ledgerline.* TO worker', 'ALTER', false],
    ['GRANT ALL ON *.* TO default WITH GRANT OPTION', 'ALTER', true],
    ['GRANT CHECK, SHOW, SELECT, ALTER, KILL QUERY ON *.* TO default', 'ALTER', true],
    ['GRANT ALTER TABLE ON ledgerline.audit_events TO migrator', 'ALTER', true],
    ['GRANT SELECT(event_id, tenant_id) ON ledgerline.audit_events TO reader', 'SELECT', false],
    ['GRANT INSERT ON `other`.audit_events TO worker', 'INSERT', false],
    ['GRANT INSERT ON ledgerline.audit_* TO worker', 'INSERT', true],
    ['GRANT writer TO worker', 'INSERT', false],
  ] as const)('%s: %s is %s', (statement, right, expected) => {
    expect(isGranted([statement], right, table)).toBe(expected);
  });
  test('a right on some columns is enough where it has all that are needed', () => {
    const statements = [
      'GRANT SELECT(event_id, kafka_offset), INSERT ON ledgerline.audit_events TO w',
    ];
    const needed = (...columns: string[]): boolean =>
      isGranted(statements, 'SELECT', { ...table, columns });
    expect(needed('kafka_offset', 'event_id')).toBe(true);
    expect(needed('kafka_offset', 'data')).toBe(false);
    expect(isGranted(statements, 'SELECT', table)).toBe(false);
  });
  test('a right that was taken back is none', () => {
    const statements = [
      'GRANT SELECT ON ledgerline.* TO worker',
      'REVOKE SELECT ON ledgerline.audit_events FROM worker',
    ];
    expect(isGranted(statements, 'SELECT', table)).toBe(false);
  });
});
