import { afterEach, describe, expect, inject, test, vi } from 'vitest';
import { openGate, type Gate } from '../support/gate.ts';
import { messages, openScene, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

let scene: Scene | undefined;
let gate: Gate | undefined;
afterEach(async () => {
  await scene?.close();
  await gate?.close();
  scene = undefined;
  gate = undefined;
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(url: string, method = 'GET'): Promise<Answer> {
  const response = await fetch(url, { method, signal: AbortSignal.timeout(5_000) });
  return { status: response.status, text: await response.text() };
}

/** Where the worker serves, as its log says: it was told to take any free port. */
async function served(worker: WorkerProcess): Promise<string> {
  await worker.logged('serving health and metrics');
  return /"url":"(http:[^"]+)"/.exec(worker.log())?.[1] ?? '';
}

/** The ledger's own, without what each is for. */
async function samples(url: string): Promise<Answer> {
  const { status, text } = await ask(`${url}/metrics`);
  const own = text.split('\n').filter((line) => line.startsWith('ledgerline_'));
  return { status, text: own.filter((line) => !line.includes('_bucket{')).join('\n') };
}

/** One sample of the exposition format. */
const sample = (text: string, name: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1),
  );

// Generous, for machines that do much else; conditions are waited for, not times.
vi.setConfig({ testTimeout: 120_000 });

const PLACE = () => ({
  brokers: inject('brokers'),
  clickhouseUrl: inject('clickhouseUrl'),
  partitions: 2,
});
const HTTP = { LEDGERLINE_HTTP_PORT: '0' };

describe('R-DLV-06: a worker that is asked how it is', () => {
  test('says that it lives and is ready, and counts what it does', async () => {
    scene = await openScene(PLACE());
    // A broker that never had a group takes longer to find its coordinator than a worker waits.
    const committed = (): Promise<number[]> => scene?.committed() ?? Promise.resolve([]);
    await until('there is a coordinator', committed, (offsets) => offsets.length > 0);
    await scene.produce([...messages(40, 2), { value: 'no JSON', partition: 0 }]);
    const worker = scene.worker(HTTP);
    const url = await served(worker);
    await scene.judgeWhenCommitted();

    expect((await ask(`${url}/healthz`)).status).toBe(200);
    const ready = await until(
      'ready',
      () => ask(`${url}/readyz`),
      ({ status }) => status === 200,
    );
    expect(JSON.parse(ready.text)).toEqual({
      ready: true,
      checks: {
        assigned: { ok: true },
        kafka: { ok: true },
        clickhouse: { ok: true },
        migrations: { ok: true },
      },
    });
    const { text } = await until(
      'parts and topic were asked for',
      () => ask(`${url}/metrics`),
      (page) =>
        page.text.includes('ledgerline_table_parts{') && page.text.includes('topic_partitions 2'),
    );
    expect(sample(text, 'ledgerline_worker_rows_total')).toBe(40);
    expect(sample(text, 'ledgerline_worker_bytes_total')).toBeGreaterThan(40 * 200);
    expect(sample(text, 'ledgerline_worker_quarantined_total{reason="not_json"}')).toBe(1);
    expect(sample(text, 'ledgerline_worker_assigned_partitions')).toBe(2);
    expect(sample(text, 'ledgerline_worker_lag_offsets{partition="0"}')).toBe(0);
    expect(sample(text, 'ledgerline_worker_lag_seconds{partition="1"}')).toBe(0);
    expect(sample(text, 'ledgerline_worker_rebalances_total')).toBeGreaterThan(0);
    expect(
      sample(text, 'ledgerline_worker_insert_seconds_count{table="audit_events",outcome="stored"}'),
    ).toBeGreaterThan(0);
    expect(sample(text, 'ledgerline_worker_ready{check="kafka"}')).toBe(1);
    expect(sample(text, 'ledgerline_table_parts{table="audit_events"}')).toBeGreaterThan(0);

    expect((await ask(`${url}/metrics`, 'HEAD')).text).toBe('');
    expect((await ask(`${url}/metrics`, 'POST')).status).toBe(405);
    expect((await ask(`${url}/etc/passwd`)).status).toBe(404);
    expect((await ask(`${url}/constructor`)).status).toBe(404);
  });

  test('is alive but not ready while ClickHouse is away, and its lag grows', async () => {
    gate = await openGate(inject('clickhouseUrl'));
    scene = await openScene(PLACE());
    const worker = scene.worker(HTTP, { clickhouseUrl: gate.url });
    const url = await served(worker);
    await until(
      'ready',
      () => ask(`${url}/readyz`),
      ({ status }) => status === 200,
    );
    await gate.close();
    await scene.produce(messages(30, 2));
    const away = await until(
      'not ready',
      () => ask(`${url}/readyz`),
      ({ status }) => status === 503,
    );
    const { ready, checks } = JSON.parse(away.text) as {
      ready: boolean;
      checks: Record<string, { ok: boolean; problem?: string }>;
    };
    expect(ready).toBe(false);
    expect(checks['clickhouse']?.problem).toContain('nothing listens there');
    expect(checks['kafka']).toEqual({ ok: true });
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    await until(
      'lag and retries are shown',
      async () => (await samples(url)).text,
      (text) =>
        sample(text, 'ledgerline_worker_lag_offsets{partition="0"}') === 15 &&
        sample(text, 'ledgerline_worker_lag_seconds{partition="0"}') > 0 &&
        sample(text, 'ledgerline_worker_retries_total{class="clickhouse"}') > 0 &&
        sample(text, 'ledgerline_worker_waiting_partitions') === 2 &&
        sample(text, 'ledgerline_worker_ready{check="clickhouse"}') === 0,
    );
    gate = undefined;
  });
});

describe('R-DLV-06: a worker that is told to stop', () => {
  test('finishes the insert in hand, leaves the group, and exits 0', async () => {
    gate = await openGate(inject('clickhouseUrl'));
    scene = await openScene(PLACE());
    const holding = gate.hold('before-insert');
    const worker = scene.worker(HTTP, { clickhouseUrl: gate.url });
    const url = await served(worker);
    await scene.produce(messages(20, 1));
    const held = await holding;
    worker.kill('SIGTERM');
    await until(
      'it says that it is stopping',
      () => ask(`${url}/readyz`),
      ({ text }) => text.includes('is stopping'),
    );
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    held.release();
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    // Nobody has to wait for the session to time out, nor to finish anything.
    const next = scene.worker();
    await scene.judgeWhenCommitted(5_000);
    expect(next.log()).not.toContain('recover');
    expect(worker.log()).toContain('"rows":20');
  });

  test('leaves what takes longer than the deadline to the next owner, and exits 0', async () => {
    gate = await openGate(inject('clickhouseUrl'));
    scene = await openScene(PLACE());
    const holding = gate.hold('before-insert');
    const worker = scene.worker(
      { LEDGERLINE_DRAIN_TIMEOUT_MS: '300' },
      { clickhouseUrl: gate.url },
    );
    await worker.logged('joined the group');
    await scene.produce(messages(20, 1));
    const held = await holding;
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    held.release();
    scene.worker();
    const judgement = await scene.judgeWhenCommitted();
    expect(judgement).toMatchObject({ missing: [], doubled: [] });
  });

  test('ends at once at a second signal, with the code that shells expect', async () => {
    gate = await openGate(inject('clickhouseUrl'));
    scene = await openScene(PLACE());
    const holding = gate.hold('before-insert');
    const worker = scene.worker({}, { clickhouseUrl: gate.url });
    await worker.logged('joined the group');
    await scene.produce(messages(20, 1));
    const held = await holding;
    worker.kill('SIGTERM');
    await worker.logged('draining');
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 143, signal: null });
    held.release();
  });
});
