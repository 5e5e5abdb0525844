import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Engine, startEngine } from '../../local/engine.ts';
import { type ClickHouseTarget, must, open, randomName } from './clickhouse-target.ts';

/** More than run at a time, so that some go away while they wait for their turn. */
const CLIENTS = 60;
const PLACES = 24;

const dataDir = mkdtempSync(join(tmpdir(), 'ledgerline-engine-'));
let engine: Engine;
let target: ClickHouseTarget;

beforeAll(async () => {
  engine = await startEngine({ dataDir });
  target = { url: engine.url, user: 'default', password: '' };
});
afterAll(async () => {
  // What a failed test has left running would otherwise be waited for.
  engine.kill('SIGKILL');
  await engine.exited;
  rmSync(dataDir, { recursive: true, force: true });
});

/** A statement without end: one that answers nothing, and one that answers without pause. */
it.each([
  ['counts', "SELECT '$mark', sum(sipHash64(number)) FROM numbers(100000000000)"],
  ['streams', "SELECT '$mark', number FROM numbers(100000000000)"],
  ['is to be answered whole', "SELECT '$mark', max(sipHash64(number)) FROM numbers(100000000000)"],
])('a statement that %s ends with its client, whenever that goes away', async (kind, statement) => {
  const mark = randomName('gone');
  const request = {
    query: statement.replace('$mark', mark),
    settings: { wait_end_of_query: kind === 'is to be answered whole' ? 1 : 0, max_threads: 1 },
  };
  const clients = Array.from({ length: CLIENTS }, async (_, i) => {
    const stop = new AbortController();
    const asked = open(target, { ...request, signal: stop.signal }).catch(() => undefined);
    await delay(i * 3);
    stop.abort();
    await asked;
  });
  await Promise.all(clients);
  // Whoever came before these has had its turn when they have theirs.
  const behind = Array.from({ length: PLACES }, () => must(target, 'SELECT sleep(0.2)'));
  expect(await Promise.all(behind)).toEqual(behind.map(() => '0'));
  const running = (): Promise<string> =>
    must(target, {
      query:
        "SELECT count() FROM system.processes WHERE position(query, {mark:String}) > 0 AND query NOT LIKE '%system.processes%'",
      params: { mark },
    });
  await expect.poll(running, { timeout: 20_000, interval: 50 }).toBe('0');
});
