import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { openScene } from '../../support/scene.ts';
import { newFolder } from './folder.ts';

const SERVICE = fileURLToPath(
  new URL('../../../dist/test/support/spooling-service.js', import.meta.url),
);
const brokers = inject('brokers');
const NOBODY = '127.0.0.1:1';

interface Service {
  readonly child: ChildProcess;
  /** Kafka has the first event that it recorded. */
  readonly stored: Promise<void>;
}

/** Starts the service; resolves once it audits. */
async function start(env: Readonly<Record<string, string>>): Promise<Service> {
  const child = spawn(process.execPath, [SERVICE], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  const says = (word: string): Promise<void> =>
    new Promise((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes(word)) resolve();
      });
    });
  const stored = says('stored');
  await says('ready');
  return { child, stored };
}

interface Story {
  /** So many processes at once, on one folder. */
  readonly processes?: number;
  /** For each life: whether Kafka is there, and how long after it has the first event it is killed. */
  readonly lives: readonly { readonly kafka: boolean; readonly killedAfterMs: number }[];
  readonly sabotage?: string;
}

/** Lets a service live and die, then a last one send what is left, and a worker store it all. */
async function tell({ lives, processes = 1, sabotage = '' }: Story) {
  const scene = await openScene({ brokers, clickhouseUrl: inject('clickhouseUrl') });
  onTestFinished(() => scene.close());
  const folder = newFolder();
  const env = {
    TOPIC: scene.topic,
    DIRECTORY: join(folder, 'spool'),
    PROMISES: join(folder, 'promises'),
    SABOTAGE: sabotage,
  };
  for (const { kafka, killedAfterMs } of lives) {
    const place = { ...env, BROKERS: kafka ? (brokers[0] ?? '') : NOBODY };
    const services = await Promise.all(Array.from({ length: processes }, () => start(place)));
    if (kafka) await Promise.all(services.map(({ stored }) => stored));
    await setTimeout(killedAfterMs);
    const exits = services.map(({ child }) => once(child, 'exit'));
    for (const { child } of services) child.kill('SIGKILL');
    await Promise.all(exits);
  }
  const { child: last } = await start({
    ...env,
    BROKERS: brokers[0] ?? '',
    EVENTS: '50',
    LAST: 'yes',
  });
  const [code] = (await once(last, 'exit')) as [number | null];
  expect(code).toBe(0);
  const worker = scene.worker();
  const judgement = await scene.judgeWhenCommitted();
  worker.kill('SIGTERM');
  await worker.exited;
  expect(judgement).toMatchObject({ missing: [], doubled: [] });
  const rows = await scene.clickhouse.query<{ id: string; times: number }>(
    'SELECT toString(event_id) AS id, toUInt32(count()) AS times FROM audit_events GROUP BY id',
  );
  const stored = new Map(rows.map(({ id, times }) => [id, times]));
  const promised = readFileSync(env.PROMISES, 'utf8').trim().split('\n');
  return {
    promised: promised.length,
    missing: promised.filter((id) => !stored.has(id)).length,
    doubled: rows.filter(({ times }) => times > 1).length,
    quarantined: judgement.quarantined,
  };
}

describe('R-EDGE-08: a service that is killed at any moment', () => {
  test(
    'what was promised is stored, and nothing twice, with two processes on one folder',
    { timeout: 120_000 },
    async () => {
      const lives = Array.from({ length: 6 }, (_, n) => ({
        // Away in two lives of three: what they could not send, the others do.
        kafka: n % 3 === 1,
        killedAfterMs: 100 + Math.random() * 900,
      }));
      const { promised, missing, doubled, quarantined } = await tell({ lives, processes: 2 });
      expect(promised).toBeGreaterThan(500);
      expect({ lives, missing, doubled }).toEqual({ lives, missing: 0, doubled: 0 });
      // Something was sent twice, or the mark would not have been needed.
      expect(quarantined).toBeGreaterThan(0);
    },
  );
});

describe('controls: the judge objects', () => {
  test('to repeats that are not marked', { timeout: 120_000 }, async () => {
    const lives = [100, 200, 300].map((killedAfterMs) => ({ kafka: true, killedAfterMs }));
    expect((await tell({ lives, sabotage: 'unmarked' })).doubled).toBeGreaterThan(0);
  });

  test('to promises kept in memory', { timeout: 120_000 }, async () => {
    const lives = [{ kafka: false, killedAfterMs: 400 }];
    expect((await tell({ lives, sabotage: 'in memory' })).missing).toBeGreaterThan(0);
  });
});
