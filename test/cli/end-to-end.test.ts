import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTopic } from '../../consumers/index.ts';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.ts';
import { until } from '../support/until.ts';
import { CLI, type Ran, runCli, type RunOptions } from './run-cli.ts';

const run = randomUUID().slice(0, 8);
const topic = `cli-${run}`;
const database = `cli_${run}`;
const folder = mkdtempSync(join(tmpdir(), 'ledgerline-cli-'));
let worker: WorkerProcess;

const environment = (): Record<string, string> => ({
  LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
  LEDGERLINE_KAFKA_TOPIC: topic,
  LEDGERLINE_KAFKA_GROUP: topic,
  LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
  LEDGERLINE_CLICKHOUSE_DATABASE: database,
});

const ledgerline = (args: string[], options: RunOptions = {}): Promise<Ran> =>
  runCli(args, { ...options, env: { ...environment(), ...options.env } });

const ask = async (sql: string, ...more: string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await ledgerline(['query', sql, '--json', ...more]);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
};

interface Totals {
  readonly stored: number;
  readonly quarantined: number;
  readonly doubled: number;
  readonly missing: number;
  readonly notConsumed: number;
}

/** What verify says once everything is consumed. */
const consumed = async (): Promise<Totals> =>
  until(
    'everything is consumed',
    async () => {
      const { stdout } = await ledgerline(['verify', '--json']);
      return (JSON.parse(stdout) as { totals: Totals }).totals;
    },
    ({ notConsumed }) => notConsumed === 0,
    30_000,
  );

let beforeMigration: Ran;
let migrated: Ran;

beforeAll(async () => {
  await createTopic({ brokers: inject('brokers'), topic }, { partitions: 4 });
  beforeMigration = await ledgerline(['query', 'SELECT count() FROM audit_events']);
  migrated = await ledgerline(['migrate', '--json'], { env: { AUDIT_TRAIL_RETENTION_DAYS: '30' } });
  worker = spawnWorker({
    brokers: inject('brokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    database,
    topic,
  });
  await worker.logged('joined the group');
});

afterAll(() => {
  worker.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

describe('R-RET-01: migrate', () => {
  it('is what a query before it asks for, and says what it has done', async () => {
    expect(beforeMigration.code).toBe(1);
    expect(beforeMigration.stderr).toContain('ledgerline migrate');
    expect([migrated.code, migrated.stderr]).toEqual([0, '']);
    expect(JSON.parse(migrated.stdout)).toMatchObject({
      database,
      applied: expect.arrayContaining([expect.stringContaining('0001')]) as string[],
      retention: { standard: 30 },
      retentionChanged: true,
    });
    const again = await ledgerline(['migrate']);
    expect(again.stdout).toMatch(/is up to date\nretention: standard 30 days/);
  });
});

describe('R-DOC-03: from a line of NDJSON to a query', () => {
  it('good lines are stored, bad ones told by number, the exit code says so', async () => {
    const event = (id: string): string =>
      JSON.stringify({
        type: 'app.created',
        actor: { type: 'user', id },
        target: { id: `a-${id}` },
      });
    const lines = [event('u1'), 'nonsense', '', event('u2'), '{"type":"app.created"}', event('u3')];
    const ran = await ledgerline(['emit', '--tenant', 'emit', '--service', 'panel', '--json'], {
      stdin: lines.join('\n'),
    });
    expect(JSON.parse(ran.stdout)).toEqual({ lines: 5, stored: 3, bad: 2, lost: 0 });
    expect(ran.stderr).toMatch(/^line 2: is not JSON.*\nline 5: actor: is required.*\n$/);
    expect(ran.code).toBe(1);
    await consumed();
    const rows = await ask(
      'SELECT actor_id, service, producer_seq FROM audit_events WHERE tenant_id = {t:String} ORDER BY actor_id',
      '--param',
      't=emit',
    );
    expect(rows).toEqual([
      { actor_id: 'u1', service: 'panel', producer_seq: 1 },
      { actor_id: 'u2', service: 'panel', producer_seq: 2 },
      { actor_id: 'u3', service: 'panel', producer_seq: 3 },
    ]);
  });

  it('an event that names its id is stored once, however often it is emitted', async () => {
    const file = join(folder, 'again.ndjson');
    const line = {
      id: randomUUID(),
      occurredAt: new Date().toISOString(),
      type: 'app.created',
      tenant: 'again',
      actor: { type: 'user', id: 'u' },
      target: { id: 'a' },
    };
    writeFileSync(file, JSON.stringify(line));
    for (let time = 0; time < 2; time++) {
      expect(await ledgerline(['emit', file])).toMatchObject({
        code: 0,
        stderr: '1 event recorded\n',
      });
    }
    await consumed();
    expect(await ask("SELECT count() AS n FROM audit_events WHERE tenant_id = 'again'")).toEqual([
      { n: 1 },
    ]);
  });
});

describe('R-ASK-09, R-DLV-07: CloudTrail imported twice, and two at once', () => {
  const records = 300;
  const record = (n: number) => ({
    eventVersion: '1.08',
    userIdentity: { type: 'IAMUser', principalId: `AIDA${n % 7}`, userName: `user-${n % 7}` },
    // Old enough that any class but archive would refuse it.
    eventTime: '2023-07-10T11:42:18Z',
    eventSource: 's3.amazonaws.com',
    eventName: n % 3 === 0 ? 'PutBucketPolicy' : 'GetBucketAcl',
    readOnly: n % 3 !== 0,
    sourceIPAddress: '198.51.100.7',
    requestParameters: { bucketName: `bucket-${n % 11}` },
    ...(n % 10 === 0 ? { errorCode: 'AccessDenied', errorMessage: 'no' } : {}),
    eventID: `${run}-${n}`,
    recipientAccountId: '111122223333',
  });

  beforeAll(() => {
    const logs = join(folder, 'logs');
    mkdirSync(join(logs, '2023', '07'), { recursive: true });
    const all = Array.from({ length: records }, (_, n) => record(n));
    writeFileSync(join(logs, 'a.json'), JSON.stringify({ Records: all.slice(0, 100) }));
    const gzipped = gzipSync(JSON.stringify({ Records: all.slice(100, 200) }));
    writeFileSync(join(logs, '2023', 'b.json.gz'), gzipped);
    const lines = all.slice(200).map((one) => JSON.stringify(one));
    writeFileSync(join(logs, '2023', '07', 'c.json'), lines.join('\n'));
    writeFileSync(join(logs, 'notes.txt'), 'not a log');
    writeFileSync(
      join(logs, 'digest.json'),
      JSON.stringify({ digestStartTime: '2023-07-10T11:00:00Z', logFiles: [] }),
    );
  });

  it('stores every record once, with its original time', async () => {
    const before = await consumed();
    const importing = () => ledgerline(['import', 'cloudtrail', join(folder, 'logs'), '--json']);
    const atOnce = await Promise.all([importing(), importing()]);
    const again = await importing();
    for (const { code, stdout, stderr } of [...atOnce, again]) {
      expect([code, stderr]).toEqual([0, '']);
      const counts = { files: 4, records, skipped: 1, stored: records, bad: 0, lost: 0 };
      expect(JSON.parse(stdout)).toEqual(counts);
    }
    const after = await consumed();
    expect(after).toMatchObject({
      stored: before.stored + records,
      quarantined: before.quarantined + 2 * records,
      missing: 0,
      doubled: 0,
    });
    const found = await ask(
      `SELECT count() AS n, uniqExact(event_id) AS ids, toString(min(occurred_at)) AS first, countIf(outcome = 'denied') AS denied
       FROM audit_events WHERE category = 'cloud'`,
    );
    expect(found).toEqual([
      { n: records, ids: records, first: '2023-07-10 11:42:18.000000', denied: 30 },
    ]);
    const verdict = await ledgerline(['verify']);
    expect(verdict.code).toBe(0);
    expect(verdict.stdout).toContain('sound: every consumed offset');
  });

  it('tells a bad record by file and place, a broken file by name, and imports the rest', async () => {
    const bad = join(folder, 'bad');
    mkdirSync(bad);
    const { eventID: _, ...noId } = record(1);
    const good = JSON.stringify(record(2));
    writeFileSync(
      join(bad, 'x.json'),
      `{"Records":[${good},${JSON.stringify(noId)},{"a":},${good}]}`,
    );
    const cut = gzipSync(JSON.stringify({ Records: [record(3)] })).subarray(0, 40);
    writeFileSync(join(bad, 'y.json.gz'), cut);
    const { code, stderr } = await ledgerline(['import', 'cloudtrail', bad]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/x\.json, record 2: has no eventID/);
    expect(stderr).toMatch(/x\.json, record 3: is not JSON/);
    expect(stderr).toMatch(/y\.json\.gz.*(?:cut off|not gzip)/);
    expect(stderr).toMatch(/2 events sent to the ledger, 3 faults/);
  });
});

describe('R-ASK-09: Kubernetes, and a mapping of one file', () => {
  it('imports finished requests once, and the cluster is the tenant', async () => {
    const request = (n: number, stage: string) => ({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: `${run}-k8s-${n}`,
      stage,
      verb: 'create',
      user: { username: 'jane' },
      objectRef: { resource: 'pods', namespace: 'shop', name: `web-${n}`, subresource: 'exec' },
      responseStatus: { code: n === 0 ? 403 : 101, ...(n === 0 && { reason: 'Forbidden' }) },
      requestReceivedTimestamp: '2024-05-01T10:20:30.123456Z',
    });
    const file = join(folder, 'audit.log');
    const lines = [0, 1, 2].flatMap((n) => [
      JSON.stringify(request(n, 'RequestReceived')),
      JSON.stringify(request(n, 'ResponseComplete')),
    ]);
    writeFileSync(file, lines.join('\n'));
    for (let time = 0; time < 2; time++) {
      const ran = await ledgerline(['import', 'kubernetes', '--tenant', 'prod', file, '--json']);
      expect([ran.code, ran.stderr]).toEqual([0, '']);
      const counts = { files: 1, records: 3, skipped: 3, stored: 3, bad: 0, lost: 0 };
      expect(JSON.parse(ran.stdout)).toEqual(counts);
    }
    await consumed();
    const found = await ask(
      "SELECT event_type, outcome, count() AS n FROM audit_events WHERE tenant_id = 'prod' GROUP BY ALL ORDER BY n",
    );
    expect(found).toEqual([
      { event_type: 'k8s.pods.exec.create', outcome: 'denied', n: 1 },
      { event_type: 'k8s.pods.exec.create', outcome: 'success', n: 2 },
    ]);
  });

  it("the guide's own mapping works, and a record that it refuses is told", async () => {
    const guide = readFileSync(new URL('../../docs/import.md', import.meta.url), 'utf8');
    const code = (language: string): string =>
      new RegExp('```' + language + '\\n([\\s\\S]*?)```').exec(guide)?.[1] ?? '';
    const mapping = join(folder, 'door-locks.mjs');
    const logs = join(folder, 'doors.jsonl');
    writeFileSync(mapping, code('js'));
    writeFileSync(logs, `${code('json')}{"id":"7","at":"never"}\n`);
    const args = ['import', 'custom', '--mapping', mapping, '--tenant', 'doors', logs, '--json'];
    const ran = await ledgerline(args);
    expect(ran.stderr).toMatch(/^.*doors\.jsonl, record 4: has no badge\n$/);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({ records: 3, skipped: 1, stored: 2, bad: 1 });
    await consumed();
    const found = await ask(
      "SELECT actor_id, target_id, outcome FROM audit_events WHERE tenant_id = 'doors' ORDER BY occurred_at",
    );
    expect(found).toEqual([
      { actor_id: 'b-17', target_id: 'vault', outcome: 'success' },
      { actor_id: 'b-99', target_id: 'vault', outcome: 'denied' },
    ]);
  });

  it.each([
    ['no file', undefined, 'There is no file'],
    ['no mapping', 'export default 7;', 'has no mapping as its default export'],
    ['a module that throws', "throw new Error('broken')", 'cannot be loaded: broken'],
  ])('refuses %s before anything is read', async (name, text, said) => {
    const mapping = join(folder, `${name.replaceAll(' ', '-')}.mjs`);
    if (text !== undefined) writeFileSync(mapping, text);
    const { code, stderr } = await ledgerline(['import', 'custom', '--mapping', mapping, folder]);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});

describe('R-ASK-07: query', () => {
  it('answers as a table, csv, json and ndjson, from the argument or stdin', async () => {
    const sql = "SELECT number AS n, 'a,\"b' AS s FROM numbers(2);";
    expect((await ledgerline(['query', sql])).stdout).toMatch(/│ n │ s {4}│/);
    expect((await ledgerline(['query', '-', '-f', 'csv'], { stdin: sql })).stdout).toBe(
      '"n","s"\n0,"a,""b"\n1,"a,""b"\n',
    );
    expect((await ledgerline(['query', sql, '-f', 'ndjson'])).stdout).toBe(
      '{"n":0,"s":"a,\\"b"}\n{"n":1,"s":"a,\\"b"}\n',
    );
    expect(await ask(sql)).toEqual([
      { n: 0, s: 'a,"b' },
      { n: 1, s: 'a,"b' },
    ]);
  });

  it('binds values, which never become SQL', async () => {
    const hostile = "x' OR 1=1 --";
    const sql = 'SELECT {v:String} AS v, {l:Array(String)} AS l';
    const params = ['-p', `v=${hostile}`, '-p', 'l=["it\'s","b"]'];
    expect(await ask(sql, ...params)).toEqual([{ v: hostile, l: ["it's", 'b'] }]);
  });

  it.each([
    ['INSERT INTO audit_events (event_id) VALUES (generateUUIDv4())'],
    ['DROP TABLE audit_events'],
    ['ALTER TABLE audit_events DELETE WHERE 1'],
    ['SELECT 1 SETTINGS readonly = 0'],
  ])('refuses to change anything: %s', async (sql) => {
    const { code, stdout, stderr } = await ledgerline(['query', sql]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^ledgerline: ClickHouse at http.*only reads: give one SELECT\.\n$/);
  });

  it('says in one line what ClickHouse does not understand, or does not do in time', async () => {
    for (const args of [
      ['SELEC 1'],
      ['SELECT 1; SELECT 2'],
      ['SELECT sleep(3)', '--timeout', '0.5'],
    ]) {
      const { code, stderr } = await ledgerline(['query', ...args]);
      expect(code).toBe(1);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    }
  });

  it('streams an answer of any size, and ends quietly with its reader', async () => {
    const child = spawn(
      process.execPath,
      [CLI, 'query', 'SELECT number FROM numbers(1000000000)', '-f', 'csv'],
      { env: { PATH: process.env['PATH'], ...environment() }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    let bytes = 0;
    let peakKb = 0;
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peakKb = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
      if (bytes > 20_000_000) break;
    }
    const [code] = (await once(child, 'exit')) as [number | null];
    expect([code, stderr]).toEqual([0, '']);
    expect(peakKb).toBeLessThan(200_000);
  });
});

describe('R-REC-01: a reader that has gone', () => {
  it('does not keep an emit from what it was given', async () => {
    const child = spawn(
      process.execPath,
      [CLI, 'emit', '--tenant', 'unread', '--service', 'panel'],
      {
        env: { PATH: process.env['PATH'], ...environment() },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    child.stdout.destroy();
    child.stderr.destroy();
    child.stdin.on('error', () => undefined);
    // Each bad line is told to whoever reads: the first telling finds nobody.
    const good = '{"type":"app.created","actor":{"type":"user","id":"u"},"target":{"id":"a-u"}}\n';
    child.stdin.end(`no event\n${good}`.repeat(300));
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(1);
    await consumed();
    expect(
      await ask("SELECT count() AS n FROM audit_events WHERE tenant_id = 'unread'"),
    ).toMatchObject([{ n: 300 }]);
  });
});

describe('R-DLV-04: worker', () => {
  it('drains on SIGTERM and says with 0 that nothing is left', async () => {
    worker.kill('SIGTERM');
    expect((await worker.exited).code).toBe(0);
    expect(worker.log()).toContain('"msg":"stopped"');
  });
});
