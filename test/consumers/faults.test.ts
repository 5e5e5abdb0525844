/**
 * R-DLV-01 under fire: worker, broker and engine are separate processes, the faults are signals, and the
 * judge compares the broker's offsets with the tables. Each fault comes with a worker in which the part
 * of the protocol that answers it is broken: there the judge has to object.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { startEngine } from '../../local/engine.ts';
import { freePort } from '../../local/free-port.ts';
import { type Gate, openGate } from '../support/gate.ts';
import type { Judgement } from '../support/oracle.ts';
import { messages, openScene, type Scene, type SceneOptions, wireRow } from '../support/scene.ts';
import { until } from '../support/until.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function scene(options: Partial<SceneOptions> = {}): Promise<Scene> {
  const opened = await openScene({
    brokers: inject('brokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    ...options,
  });
  cleanups.push(() => opened.close());
  return opened;
}

async function gateTo(target: string): Promise<Gate> {
  const gate = await openGate(target);
  cleanups.push(() => gate.close());
  return gate;
}

// Sessions end after six seconds at the earliest, and the machine may be busy.
vi.setConfig({ testTimeout: 90_000 });

/** Short enough for a test: the lease is over before the broker has given up on a silent worker. */
const SHORT_LEASE = { LEDGERLINE_INSERT_TIMEOUT_MS: '2500', LEDGERLINE_LEASE_MS: '5000' };

describe('a worker is SIGKILLed after the insert and before the commit', () => {
  async function play(
    workerOf: (its: Scene, clickhouseUrl: string) => WorkerProcess,
  ): Promise<Judgement> {
    const its = await scene();
    const gate = await gateTo(its.place.clickhouseUrl);
    const held = gate.hold('after-insert');
    const victim = workerOf(its, gate.url);
    await victim.logged('joined the group');
    await its.produce(messages(300));
    await held;
    victim.kill('SIGKILL');
    await victim.exited;
    // More has come meanwhile: whoever cuts batches afresh cuts others than the victim did.
    await its.produce(messages(300));
    workerOf(its, its.place.clickhouseUrl);
    return its.judgeWhenCommitted();
  }

  it('stores every offset once', async () => {
    const judgement = await play((its, clickhouseUrl) => its.worker({}, { clickhouseUrl }));
    expect(judgement).toMatchObject({ produced: 600, stored: 600, missing: [], doubled: [] });
  });

  it('control: workers without intent and high-water mark double rows', async () => {
    const judgement = await play((its, clickhouseUrl) =>
      its.sabotagedWorker('no-recovery', {}, { clickhouseUrl }),
    );
    expect(judgement.doubled.length).toBeGreaterThan(0);
  });
});

describe('a worker is SIGKILLed after the intent and before the insert', () => {
  async function play(victimOf: (its: Scene, gate: Gate) => WorkerProcess): Promise<Judgement> {
    const its = await scene();
    const gate = await gateTo(its.place.clickhouseUrl);
    const held = gate.hold('before-insert');
    const victim = victimOf(its, gate);
    await victim.logged('joined the group');
    await its.produce(messages(300));
    await held;
    victim.kill('SIGKILL');
    await victim.exited;
    await its.produce(messages(100));
    its.worker();
    return its.judgeWhenCommitted();
  }

  it('stores every offset once', async () => {
    const judgement = await play((its, gate) => its.worker({}, { clickhouseUrl: gate.url }));
    expect(judgement).toMatchObject({ produced: 400, stored: 400, missing: [], doubled: [] });
  });

  it('control: a worker that commits first loses rows', async () => {
    const judgement = await play((its, gate) =>
      its.sabotagedWorker('commit-first', {}, { clickhouseUrl: gate.url }),
    );
    expect(judgement.missing.length).toBeGreaterThan(0);
  });
});

describe('a zombie: stopped in the middle of an insert for longer than its session, then continued', () => {
  async function play(
    zombieOf: (its: Scene, gate: Gate) => WorkerProcess,
  ): Promise<{ judgement: Judgement; lateInsert: number }> {
    const its = await scene({ partitions: 1 });
    const gate = await gateTo(its.place.clickhouseUrl);
    const holding = gate.hold('before-insert');
    const zombie = zombieOf(its, gate);
    await zombie.logged('joined the group');
    await its.produce(messages(200, 1));
    const held = await holding;
    zombie.kill('SIGSTOP');
    its.worker(SHORT_LEASE);
    await its.judgeWhenCommitted();
    // Its insert, on the way all the time, reaches the engine only now.
    held.release();
    const lateInsert = await held.answered;
    zombie.kill('SIGCONT');
    await its.produce(messages(200, 1));
    return { judgement: await its.judgeWhenCommitted(), lateInsert };
  }

  it('does no harm: the engine refuses the insert, whose lease is over', async () => {
    const { judgement, lateInsert } = await play((its, gate) =>
      its.worker(SHORT_LEASE, { clickhouseUrl: gate.url }),
    );
    expect(lateInsert).not.toBe(200);
    expect(judgement).toMatchObject({ produced: 400, stored: 400, missing: [], doubled: [] });
  });

  it('control: without token and lease the zombie doubles rows', async () => {
    const { judgement, lateInsert } = await play((its, gate) =>
      its.sabotagedWorker('no-token-no-lease', SHORT_LEASE, { clickhouseUrl: gate.url }),
    );
    expect(lateInsert).toBe(200);
    expect(judgement.doubled).toHaveLength(200);
  });
});

describe('a stale commit: stopped between insert and commit, and continued after a takeover', () => {
  async function play(
    sleeperOf: (its: Scene, gate: Gate) => WorkerProcess,
  ): Promise<{ its: Scene; sleeper: WorkerProcess }> {
    const its = await scene({ partitions: 1 });
    const gate = await gateTo(its.place.clickhouseUrl);
    const holding = gate.hold('after-insert');
    const sleeper = sleeperOf(its, gate);
    await sleeper.logged('joined the group');
    await its.produce(messages(100, 1));
    const held = await holding;
    sleeper.kill('SIGSTOP');
    const heir = its.worker();
    await its.produce(messages(100, 1));
    await its.judgeWhenCommitted();
    // Nobody is left to repair what the sleeper's commit may do.
    heir.kill('SIGKILL');
    await heir.exited;
    held.release();
    sleeper.kill('SIGCONT');
    await its.produce(messages(100, 1));
    await until(
      'all is stored',
      () => its.judge(),
      ({ stored }) => stored === 300,
    );
    return { its, sleeper };
  }

  it('is refused: the committed offset does not go back', async () => {
    const { its } = await play((its, gate) => its.worker({}, { clickhouseUrl: gate.url }));
    expect(await its.judgeWhenCommitted()).toMatchObject({ stored: 300, missing: [], doubled: [] });
    expect(await its.committed()).toEqual([300]);
  });

  it('control: a worker that commits in the generation of the day takes it back', async () => {
    const { its, sleeper } = await play((its, gate) =>
      its.sabotagedWorker('unfenced', {}, { clickhouseUrl: gate.url }),
    );
    await sleeper.logged('stale commit answered');
    expect(await its.committed()).toEqual([100]);
  });
});

describe('the engine is SIGKILLed in the middle of inserts, again and again', () => {
  async function play(workerOf: (its: Scene, url: string) => unknown): Promise<Judgement> {
    const dataDir = mkdtempSync(join(tmpdir(), 'ledgerline-engine-'));
    cleanups.push(() => rmSync(dataDir, { recursive: true, force: true }));
    const port = await freePort();
    let engine = await startEngine({ dataDir, port });
    cleanups.push(() => engine.stop());
    const its = await scene({ clickhouseUrl: engine.url });
    const gate = await gateTo(engine.url);
    workerOf(its, gate.url);
    for (const delayMs of [0, 3, 8, 15, 30]) {
      const holding = gate.hold('before-insert');
      await its.produce(messages(4_000));
      const held = await holding;
      held.release();
      // Not a wait for something: the moment of the kill is what varies.
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      engine.kill('SIGKILL');
      await engine.exited;
      engine = await startEngine({ dataDir, port });
    }
    return its.judgeWhenCommitted(90_000);
  }

  it('stores every offset once', { timeout: 150_000 }, async () => {
    const judgement = await play((its, url) => its.worker({}, { clickhouseUrl: url }));
    expect(judgement).toMatchObject({ produced: 20_000, stored: 20_000, missing: [], doubled: [] });
  });

  it(
    'control: a worker that takes errors for success loses rows',
    { timeout: 150_000 },
    async () => {
      const judgement = await play((its, url) =>
        its.sabotagedWorker('trusts-errors', {}, { clickhouseUrl: url }),
      );
      expect(judgement.missing.length).toBeGreaterThan(0);
    },
  );
});

describe('poison', () => {
  const poison = [
    { name: 'not JSON', value: 'hello', reason: 'not_json' },
    { name: 'half an object', value: wireRow().slice(0, -9), reason: 'not_json' },
    { name: 'two objects', value: `${wireRow()}${wireRow()}`, reason: 'not_one_object' },
    {
      name: 'two objects, a comma between',
      value: `${wireRow()},${wireRow()}`,
      reason: 'not_one_object',
    },
    { name: 'an array', value: `[${wireRow()}]`, reason: 'not_one_object' },
    { name: 'a tombstone', value: null, reason: 'tombstone' },
    { name: 'an empty value', value: '', reason: 'tombstone' },
    { name: 'an empty object', value: '{}', reason: 'invalid' },
    { name: 'a missing field', value: wireRow({ actor_id: undefined }), reason: 'invalid' },
    { name: 'a value of the wrong kind', value: wireRow({ outcome: 'maybe' }), reason: 'invalid' },
    { name: 'a null', value: wireRow({ reason: null }), reason: 'invalid' },
    {
      name: 'a key twice',
      value: wireRow().replace('{', '{"outcome":"denied",'),
      reason: 'duplicate_keys',
    },
    { name: 'a forged offset', value: wireRow({ kafka_offset: 7 }), reason: 'forged' },
    { name: 'a forged lease', value: wireRow({ lease: 1 }), reason: 'forged' },
    {
      name: 'a forged time of storing',
      value: wireRow({ ingested_at: '2020-01-01 00:00:00' }),
      reason: 'forged',
    },
    { name: 'a future version', value: wireRow({ wire_version: 2 }), reason: 'future_version' },
    {
      name: 'already expired',
      value: wireRow({ occurred_at: '2001-02-03T04:05:06Z' }),
      reason: 'expired',
    },
    {
      name: 'a protected category in a short class',
      value: wireRow({ category: 'security', event_type: 'security.sign_in' }),
      reason: 'invalid',
    },
    {
      name: 'ten megabytes',
      value: wireRow({ message: 'x'.repeat(10_000_000) }),
      reason: 'too_large',
    },
  ];

  it(
    'each kind is quarantined with its reason, at the first, middle and last row, while its neighbours are stored (R-DLV-02)',
    { timeout: 120_000 },
    async () => {
      const its = await scene({ partitions: 1, topicConfig: { 'max.message.bytes': '20000000' } });
      const kept = wireRow({ a_newer_field: { deep: true } });
      await its.produce(poison.map(({ value }) => ({ value, partition: 0 })));
      await its.produce([
        ...messages(50, 1),
        { value: kept, partition: 0 },
        ...poison.map(({ value }) => ({ value, partition: 0 })),
        ...messages(50, 1),
      ]);
      await its.produce(poison.map(({ value }) => ({ value, partition: 0 })));
      its.worker();
      const judgement = await its.judgeWhenCommitted(100_000);
      expect(judgement).toMatchObject({
        stored: 101,
        quarantined: 3 * poison.length,
        missing: [],
        doubled: [],
      });

      const rows = await its.clickhouse.query<{ offset: string; reason: string; size: string }>(
        'SELECT kafka_offset AS offset, reason, length(message) AS size FROM audit_quarantine ORDER BY kafka_offset',
      );
      const first = rows
        .slice(0, poison.length)
        .map(({ reason }, index) => `${poison[index]?.name}: ${reason}`);
      expect(first).toEqual(poison.map(({ name, reason }) => `${name}: ${reason}`));
      expect(rows.slice(0, poison.length).map(({ size }) => Number(size))).toEqual(
        poison.map(({ value }) => Buffer.byteLength(value ?? '')),
      );

      const [newer] = await its.clickhouse.query<{ unmapped: string }>(
        "SELECT attributes['ledger.unmapped.a_newer_field'] AS unmapped FROM audit_events WHERE mapContains(attributes, 'ledger.unmapped.a_newer_field')",
      );
      expect(newer?.unmapped).toBe('{"deep":true}');
    },
  );

  it('control: a worker that drops what the engine refuses loses the neighbours', async () => {
    const its = await scene({ partitions: 1 });
    await its.produce([
      ...messages(20, 1),
      { value: wireRow({ outcome: 'maybe' }), partition: 0 },
      ...messages(20, 1),
    ]);
    its.sabotagedWorker('trusts-errors');
    const judgement = await its.judgeWhenCommitted();
    expect(judgement.missing).toHaveLength(41);
  });

  it('a repeated message is stored once, and its offset accounted for', async () => {
    const its = await scene({ partitions: 1 });
    const repeated = { value: wireRow(), partition: 0, headers: { 'll-dup': '1' } };
    await its.produce([repeated, ...messages(5, 1), repeated]);
    its.worker();
    await its.judgeWhenCommitted();
    await its.produce([repeated]);
    expect(await its.judgeWhenCommitted()).toMatchObject({
      produced: 8,
      stored: 6,
      quarantined: 2,
      missing: [],
      doubled: [],
    });
  });
});

describe('an orderly end', () => {
  it('SIGTERM: what is in hand is stored and committed, exit 0', async () => {
    const its = await scene();
    const worker = its.worker({ LEDGERLINE_BATCH_AGE_MS: '100' });
    await worker.logged('joined the group');
    await its.produce(messages(2_000));
    await until(
      'something is stored',
      () => its.judge(),
      ({ stored }) => stored > 0,
    );
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    its.worker();
    expect(await its.judgeWhenCommitted()).toMatchObject({
      stored: 2_000,
      missing: [],
      doubled: [],
    });
  });
});
