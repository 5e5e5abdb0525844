import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const DEMO = fileURLToPath(new URL('../../dist/examples/demo.js', import.meta.url));
const TIMEOUT_MS = 150_000;

/** The demo as a process, with a folder of its own for temporary files. */
async function startDemo(...args: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerline-test-demo-'));
  const env = { PATH: process.env['PATH'], JAVA_HOME: process.env['JAVA_HOME'], TMPDIR: folder };
  const child = spawn(process.execPath, [DEMO, ...args], { env });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  let stdout = '';
  let stderr = '';
  let heard: () => void = () => undefined;
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    heard();
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    child,
    exited,
    stdout: () => stdout,
    stderr: () => stderr,
    /** Resolves once it has said so on stderr; rejects when it ends without. */
    said: (text: string) =>
      new Promise<void>((resolve, reject) => {
        heard = () => (stderr.includes(text) ? resolve() : undefined);
        void exited.then(() => reject(new Error(`It never said "${text}":\n${stderr}`)));
        heard();
      }),
    leftBehind: () => readdir(folder).then((names) => names.filter((name) => /demo-/.test(name))),
  };
}

interface Line {
  readonly [figure: string]: number;
}

test(
  'R-DLV-01: a worker is killed in the middle, and every event that was kept is stored once',
  { timeout: TIMEOUT_MS },
  async () => {
    const demo = await startDemo('--json', '--actions', '2000');
    const code = await demo.exited;
    if (code !== 0) throw new Error(`It ended with ${code}:\n${demo.stderr()}`);
    const lines = demo.stdout().trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0] ?? '') as Line;
    expect(Object.keys(line).slice(0, 10)).toEqual([
      'emitted',
      'kept',
      'filtered',
      'sampledOut',
      'stored',
      'missing',
      'doubled',
      'quarantined',
      'rowsPerSecond',
      'bytesPerEvent',
    ]);
    const { emitted, kept, filtered, sampledOut, stored } = line;
    expect(line).toMatchObject({ missing: 0, doubled: 0, quarantined: 0, rejected: 0 });
    expect(emitted).toBeGreaterThanOrEqual(2000);
    expect(emitted).toBe((kept ?? 0) + (filtered ?? 0) + (sampledOut ?? 0));
    expect(stored).toBe(kept);
    // Reads are most of a gateway's traffic, and writes_only keeps none of them.
    expect(filtered).toBeGreaterThan(kept ?? 0);
    expect(line['bytesPerEvent']).toBeLessThan(830);
    expect(await demo.leftBehind()).toEqual([]);
  },
);

test('Ctrl-C stops every part and leaves nothing behind', { timeout: TIMEOUT_MS }, async () => {
  const demo = await startDemo('--actions', '2000');
  await demo.said('workers have the pids');
  const pids = /pids (\d+) and (\d+)/.exec(demo.stderr())?.slice(1).map(Number) ?? [];
  expect(pids).toHaveLength(2);
  demo.child.kill('SIGINT');
  expect(await demo.exited).toBe(130);
  expect(demo.stdout()).toBe('');
  expect(demo.stderr()).toContain('interrupted');
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(await demo.leftBehind()).toEqual([]);
});

test('what it cannot do is said before anything starts', async () => {
  const demo = await startDemo('--actions', 'many');
  expect(await demo.exited).toBe(2);
  expect(demo.stdout()).toBe('');
  expect(demo.stderr()).toContain('--actions: a whole number from 500 to 1000000');
});
