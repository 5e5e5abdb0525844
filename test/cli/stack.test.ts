import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { choosePort } from '../../local/free-port.ts';
import { PROJECT_ROOT } from '../../local/project-root.ts';
import { until } from '../support/until.ts';
import { CLI } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'ledgerline-stack-'));
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface RunningStack {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly exited: Promise<number | null>;
}

async function startStack(
  ready: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningStack> {
  const child = spawn(
    process.execPath,
    [CLI, 'stack', '--kafka-port', '0', '--clickhouse-port', '0', '--data', folder, ...args],
    { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  await until(
    `the stack is ready (${stderr})`,
    () => Promise.resolve(stdout),
    (text) => text.includes(ready),
    60_000,
  );
  return { child, stdout: () => stdout, stderr: () => stderr, exited };
}

const bash = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
    execFile('bash', ['-ec', command], { cwd: PROJECT_ROOT, env }, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(stdout),
    );
  });

/** What a shell and its file of options may hold for other services than the stack's own. */
const configFile = join(folder, 'elsewhere.yaml');
writeFileSync(configFile, 'LEDGERLINE_CLICKHOUSE_PASSWORD: of another ClickHouse\n');
const ELSEWHERE = {
  LEDGERLINE_CONFIG_FILE: configFile,
  LEDGERLINE_KAFKA_TLS: 'true',
  LEDGERLINE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
  LEDGERLINE_KAFKA_SASL_USERNAME: 'ledgerline',
  LEDGERLINE_KAFKA_SASL_PASSWORD: 'of another Kafka',
  LEDGERLINE_CLICKHOUSE_URL: 'https://clickhouse.example:8443',
  LEDGERLINE_CLICKHOUSE_USER: 'worker',
  LEDGERLINE_CLICKHOUSE_TLS_CA_FILE: join(PROJECT_ROOT, 'LICENSE'),
};

describe('R-DOC-03: ledgerline stack', () => {
  it('prints what works when it is pasted, and Ctrl-C stops everything', async () => {
    const stack = await startStack('Ctrl-C stops everything.');
    const lines = stack.stdout().split('\n');
    const pasted = lines.filter((line) => line.startsWith('  ')).map((line) => line.trim());
    const [variables = '', emit = '', query = '', curl = '', verify = ''] = pasted;
    expect(pasted).toHaveLength(5);
    await bash(`${variables}; ${emit}`);
    const show = (): Promise<string> => bash(`${variables}; ${query}`);
    await until('the event is stored', show, (text) => text.includes('app.created'), 20_000);
    expect(await bash(`${curl.replace('curl', 'curl -sS')}`)).toContain('app.created');
    expect(await bash(`${variables}; ${verify}`)).toContain('sound');

    stack.child.kill('SIGINT');
    expect(await stack.exited).toBe(0);
    expect(stack.stderr()).toMatch(/Stopping …\n(?:worker info .*\n)*Stopped\.\n$/);
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(variables)?.[1]);
    // Refused while anything listens there.
    expect(await choosePort('A new stack', port)).toBe(port);
  }, 120_000);

  it('goes on with what is there, whatever the shell says of other services, and says so when its worker dies', async () => {
    const stack = await startStack('}\n', ['--json'], ELSEWHERE);
    const at = JSON.parse(stack.stdout()) as { clickhouseUrl: string; workerPid: number };
    // Looking at it was recorded as well.
    const sql = 'SELECT count() FROM ledgerline.audit_events WHERE length(target_type) > 0';
    expect(await bash(`curl -sS '${at.clickhouseUrl}' --data-binary '${sql}'`)).toBe('1\n');

    process.kill(at.workerPid, 'SIGKILL');
    expect(await stack.exited).toBe(1);
    expect(stack.stderr()).toContain('the worker has ended by itself');
    expect(stack.stdout().trimEnd().split('\n')).toHaveLength(1);
  }, 120_000);
});
