import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTopic } from '../../consumers/index.ts';
import { runCli } from './run-cli.ts';

const COMMANDS = ['stack', 'migrate', 'worker', 'emit', 'import', 'query', 'verify', 'version'];

const run = randomUUID().slice(0, 8);
/** A topic, and a database with the tables: so that only the one fault of a test is there. */
const sound = (): Record<string, string> => ({
  LEDGERLINE_KAFKA_BROKERS: inject('brokers').join(','),
  LEDGERLINE_KAFKA_TOPIC: `bad-input-${run}`,
  LEDGERLINE_CLICKHOUSE_URL: inject('clickhouseUrl'),
  LEDGERLINE_CLICKHOUSE_DATABASE: `bad_input_${run}`,
});

let silent: Server;
let silentPort = 0;
const folder = mkdtempSync(join(tmpdir(), 'ledgerline-cli-'));

beforeAll(async () => {
  // Accepts connections and never says a word: the worst kind of "not there".
  silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  silentPort = typeof address === 'object' && address !== null ? address.port : 0;
  await createTopic({ brokers: inject('brokers'), topic: `bad-input-${run}` }, { partitions: 1 });
  const { code, stderr } = await runCli(['migrate'], { env: sound() });
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => {
  silent.close();
  rmSync(folder, { recursive: true, force: true });
});

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe('help', () => {
  it.each(COMMANDS)('of %s has examples', async (command) => {
    const { code, stdout } = await runCli([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(command === 'import' ? /cloudtrail/ : /Examples:\n {2}\$ /);
  });
});

describe('what is asked for wrongly', () => {
  it('an unknown command, option or value ends with 2 and the way out', async () => {
    for (const args of [['nope'], ['verify', '--nope'], ['query', 'SELECT 1', '-f', 'xml']]) {
      const { code, stdout, stderr } = await runCli(args);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^ledgerline: .*\n.*--help/);
    }
  });

  it.each([['worker'], ['verify'], ['migrate'], ['stack'], ['emit']])(
    'all faults of the environment are told at once, and nothing starts: %s',
    async (command) => {
      const { code, stdout, stderr } = await runCli([command], {
        env: {
          LEDGERLINE_KAFKA_BROKR: 'x:1',
          LEDGERLINE_BATCH_ROWS: 'many',
          AUDIT_TRAIL_LEVEL: 'everything',
          AUDIT_TRAIL_LEVLE: 'all',
          AUDIT_TRAIL_RETENTION_DAYS: '-1',
          LEDGERLINE_CLICKHOUSE_PASSWORD: 'hunter2',
        },
      });
      expect(code).toBe(2);
      expect(stdout).toBe('');
      for (const name of ['KAFKA_BROKR', 'BATCH_ROWS', 'LEVEL', 'LEVLE', 'RETENTION_DAYS']) {
        expect(stderr).toContain(name);
      }
      expect(stderr).not.toContain('hunter2');
    },
  );

  it.each([
    ['search', 'outcome:denied'],
    ['export', 'outcome:denied', '-o', 'never.ndjson'],
    ['erase', 'u_1'],
    ['access', 'sql'],
    ['emit'],
    ['import', 'kubernetes', 'audit.log'],
    ['policy', 'explain', 'policy.yaml', '--event', '{}'],
  ])(
    'an empty tenant, as of an unset variable, is nobody and not everybody: %s',
    async (...args) => {
      const { code, stdout, stderr } = await runCli([...args, '--tenant', '']);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/--tenant.*name a tenant/);
    },
  );

  it('a file that is not there ends with 2 before anything is read', async () => {
    for (const args of [
      ['emit', '/no/such'],
      ['import', 'cloudtrail', '/no/such'],
    ]) {
      const { code, stderr } = await runCli(args);
      expect([code, stderr]).toEqual([2, expect.stringContaining('/no/such')]);
    }
  });
});

describe('what is not there is named in one line with its address and the way out, within 10 s', () => {
  const event = '{"type":"app.created","actor":{"type":"user","id":"u"},"target":{"id":"a"}}';
  const oneLine = async (
    args: string[],
    env: Record<string, string>,
    address: string,
  ): Promise<string> => {
    const given = { env: { ...sound(), ...env }, stdin: event };
    const { code, stdout, stderr, ms } = await runCli(args, given);
    expect([stderr, code]).toEqual([stderr, 1]);
    expect(stdout).toBe('');
    expect(linesOf(stderr)).toHaveLength(1);
    expect(stderr).toContain(address);
    expect(ms).toBeLessThan(10_000);
    return stderr;
  };

  it.concurrent.each([['emit'], ['verify'], ['worker'], ['import', 'cloudtrail', '.']])(
    'no broker: %s',
    async (...args) => {
      const broker = '127.0.0.1:1';
      expect(
        await oneLine(args.filter(Boolean), { LEDGERLINE_KAFKA_BROKERS: broker }, broker),
      ).toMatch(/^ledgerline: /);
    },
  );

  it.concurrent.each([['emit'], ['verify']])('a broker that never answers: %s', async (command) => {
    const broker = `127.0.0.1:${silentPort}`;
    expect(await oneLine([command], { LEDGERLINE_KAFKA_BROKERS: broker }, broker)).toMatch(
      /^ledgerline: /,
    );
  });

  it.concurrent.each([['migrate'], ['query', 'SELECT 1'], ['verify'], ['worker']])(
    'no ClickHouse: %s',
    async (...args) => {
      const url = 'http://127.0.0.1:1';
      expect(await oneLine(args.filter(Boolean), { LEDGERLINE_CLICKHOUSE_URL: url }, url)).toMatch(
        /^ledgerline: /,
      );
    },
  );

  it.concurrent.each([['migrate'], ['query', 'SELECT 1'], ['worker']])(
    'a ClickHouse that never answers: %s',
    async (...args) => {
      const url = `http://127.0.0.1:${silentPort}`;
      expect(await oneLine(args.filter(Boolean), { LEDGERLINE_CLICKHOUSE_URL: url }, url)).toMatch(
        /^ledgerline: /,
      );
    },
  );

  it.concurrent.each([['migrate'], ['query', 'SELECT 1'], ['verify'], ['worker']])(
    'a wrong password, which is not printed: %s',
    async (...args) => {
      const env = { LEDGERLINE_CLICKHOUSE_PASSWORD: 'hunter2' };
      const stderr = await oneLine(args.filter(Boolean), env, inject('clickhouseUrl'));
      expect(stderr).toContain('LEDGERLINE_CLICKHOUSE_PASSWORD');
      expect(stderr).not.toContain('hunter2');
    },
  );

  it.concurrent.each([['query', 'SELECT 1 FROM audit_events'], ['verify'], ['worker']])(
    'missing tables: %s',
    async (...args) => {
      const env = { LEDGERLINE_CLICKHOUSE_DATABASE: 'default' };
      const stderr = await oneLine(args.filter(Boolean), env, inject('clickhouseUrl'));
      expect(stderr).toContain('ledgerline migrate');
    },
  );

  it.concurrent.each([['emit'], ['verify'], ['worker'], ['import', 'cloudtrail', '.']])(
    'no topic: %s',
    async (...args) => {
      const [broker = ''] = inject('brokers');
      const env = { LEDGERLINE_KAFKA_TOPIC: 'no-such-topic' };
      expect(await oneLine(args.filter(Boolean), env, broker)).toContain('no-such-topic');
    },
  );

  it('a port that is taken, and no Java: stack', async () => {
    const taken = ['--kafka-port', String(silentPort), '--clickhouse-port', '0', '--data', folder];
    const first = await runCli(['stack', ...taken]);
    expect(first.code).toBe(1);
    expect(first.stderr).toContain(`127.0.0.1:${silentPort}`);
    expect(first.stderr).not.toContain('    at ');
    const free = ['--kafka-port', '0', '--clickhouse-port', '0', '--data', folder];
    const second = await runCli(['stack', ...free], { env: { PATH: '/nowhere' } });
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('Install a JVM 17')]);
  });
});
