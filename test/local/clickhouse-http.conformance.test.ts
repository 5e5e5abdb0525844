import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, startEngine } from '../../local/engine.ts';
import { describeClickHouse } from './clickhouse-conformance.ts';
import { ask, type ClickHouseTarget, must, open, randomName } from './clickhouse-target.ts';

const given = process.env['CLICKHOUSE_URL'];
if (given !== undefined) {
  const url = new URL(given);
  const target = {
    url: url.origin,
    user: decodeURIComponent(url.username) || 'default',
    password: decodeURIComponent(url.password),
  };
  describeClickHouse(`the server at ${url.host}`, () => target);
  console.info('The tests of the local engine alone are skipped: CLICKHOUSE_URL names a server.');
} else {
  describeLocalEngine();
}

function describeLocalEngine(): void {
  const dataDir = mkdtempSync(join(tmpdir(), 'ledgerline-engine-'));
  const password = randomName('secret');
  let engine: Engine;
  const target = (): ClickHouseTarget => ({ url: engine.url, user: 'default', password });
  beforeAll(async () => {
    engine = await startEngine({ dataDir, password });
  });
  afterAll(async () => {
    await engine.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  describeClickHouse('the local engine', target);

  describe('the local engine alone', () => {
    it.each([
      [{ path: '/play', method: 'GET' }, 'the path /play'],
      [{ settings: { session_id: 's' }, query: 'SELECT 1' }, 'session_id'],
      [{ settings: { decompress: 1 }, query: 'SELECT 1' }, 'decompress'],
      [{ headers: { 'Content-Type': 'multipart/form-data; boundary=x' }, query: 'x' }, 'multipart'],
      [{ headers: { 'Content-Encoding': 'zstd' }, query: 'SELECT 1' }, 'zstd'],
      [{ query: "SELECT 1 INTO OUTFILE '/tmp/x'" }, 'INTO OUTFILE'],
      [{ query: "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV" }, 'FROM INFILE'],
    ] as const)('answers 501 in words to %j', async (request, words) => {
      const answer = await ask(target(), request);
      expect([answer.status, answer.code]).toEqual([501, 48]);
      expect(answer.text).toContain(words);
    });

    it('does not serve web pages', async () => {
      const headers = { Origin: 'http://example.com' };
      expect((await ask(target(), { query: 'SELECT 1', headers })).status).toBe(403);
    });

    it('streams a large result in bounded memory, however slow its reader', async () => {
      await must(target(), "SELECT repeat('x', 99) FROM numbers(1000000) FORMAT Null");
      const before = residentBytes(engine.pid);
      const response = await open(target(), {
        query: "SELECT number, repeat('x', 90) AS text FROM numbers(2500000) FORMAT JSONEachRow",
      });
      let peak = 0;
      let chunks = 0;
      let bytes = 0;
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length;
        chunks += 1;
        if (chunks % 200 === 1) peak = Math.max(peak, residentBytes(engine.pid));
      }
      expect(bytes).toBeGreaterThan(250_000_000);
      expect(peak - before).toBeLessThan(150_000_000);
    });

    it('leaves no body of a request behind', () => {
      const folder = ['/dev/shm', tmpdir()]
        .map((parent) => join(parent, `ledgerline-spool-${engine.pid}`))
        .find((path) => existsSync(path));
      expect(folder).toBeDefined();
      const left = readdirSync(folder ?? '').filter((file) => file.startsWith('file-'));
      expect(left).toEqual([]);
    });

    it('lets nobody else open its folder', async () => {
      await expect(startEngine({ dataDir })).rejects.toMatchObject({ code: 'FOLDER_LOCKED' });
      await expect(
        startEngine({ dataDir: `${dataDir}-2`, port: engine.port }),
      ).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    });

    it('keeps what it acknowledged, and the tokens, across SIGKILL in the middle of inserts (R-DLV-01)', async () => {
      await must(
        target(),
        'CREATE TABLE survives (batch UInt32, n UInt32) ENGINE = MergeTree ORDER BY batch SETTINGS non_replicated_deduplication_window = 1000',
      );
      const insert = (batch: number): Promise<string> =>
        must(target(), {
          query: 'INSERT INTO survives FORMAT JSONEachRow',
          body: Array.from({ length: 1000 }, (_, n) => `{"batch":${batch},"n":${n}}`).join('\n'),
          settings: { insert_deduplication_token: `batch-${batch}`, async_insert: 0 },
        });
      const acknowledged: number[] = [];
      const running = Array.from({ length: 40 }, async (_, batch) => {
        await insert(batch).then(
          () => acknowledged.push(batch),
          () => undefined,
        );
        if (acknowledged.length === 10) engine.kill('SIGKILL');
      });
      await Promise.all(running);
      await engine.exited;
      engine = await startEngine({ dataDir, password, port: engine.port });

      const stored = await must(
        target(),
        'SELECT batch, count() FROM survives GROUP BY batch FORMAT TSV',
      );
      const counts = new Map(
        stored.split('\n').map((line) => line.split('\t') as [string, string]),
      );
      for (const batch of acknowledged) expect(counts.get(String(batch))).toBe('1000');
      expect([...counts.values()].every((rows) => rows === '1000')).toBe(true);
      for (const batch of acknowledged) await insert(batch);
      expect(
        await must(
          target(),
          'SELECT max(c) FROM (SELECT count() c FROM survives GROUP BY batch, n)',
        ),
      ).toBe('1');
    });

    it('lets running requests end when it is stopped', async () => {
      const other = await startEngine({ dataDir: `${dataDir}-stop` });
      try {
        const running = fetch(other.url, {
          method: 'POST',
          body: 'SELECT sleepEachRow(0.5) FROM numbers(2) SETTINGS max_block_size = 1',
        });
        const asked = { url: other.url, user: 'default', password: '' };
        await expect
          .poll(() =>
            must(asked, "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%'"),
          )
          .toBe('2');
        await other.stop();
        expect(await (await running).text()).toBe('0\n0\n');
        expect(await other.exited).toEqual({ code: 0, signal: null });
      } finally {
        await other.stop();
        rmSync(`${dataDir}-stop`, { recursive: true, force: true });
      }
    });

    it('ends with its parent, however that ends', () => {
      const script = `
        import { startEngine } from ${JSON.stringify(join(process.cwd(), 'dist/local/engine.js'))};
        const engine = await startEngine({ dataDir: ${JSON.stringify(`${dataDir}-orphan`)} });
        console.log(engine.pid);
        process.kill(process.pid, 'SIGKILL');`;
      const parent = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
        timeout: 20_000,
      });
      const pid = Number(parent.stdout.trim());
      expect(pid).toBeGreaterThan(0);
      return expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
    });
  });
}

function residentBytes(pid: number): number {
  return Number(ps(pid, 'rss')) * 1024;
}

/** A zombie, whom nobody has reaped yet, is dead. */
function isAlive(pid: number): boolean {
  return /^[^Z]/.test(ps(pid, 'stat'));
}

function ps(pid: number, column: string): string {
  const done = spawnSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' });
  if (done.error) throw done.error;
  return done.stdout.trim();
}
