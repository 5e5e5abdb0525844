/**
 * R-DLV-01 with a worker that sleeps through its session: SIGSTOP, a new owner takes over, SIGCONT. And the
 * same for an insert that takes longer than the session.
 */
import { describe, expect, it, vi } from 'vitest';
import type { Gate } from '../support/gate.ts';
import { FAULTLESS, type Judgement } from '../support/oracle.ts';
import { messages, type Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const stage = useStage();

// Sessions end after six seconds at the earliest, and the machine may be busy.
vi.setConfig({ testTimeout: 90_000 });

/** Short enough for a test: the lease is over before the broker has given up on a silent worker. */
const SHORT_LEASE = { LEDGERLINE_INSERT_TIMEOUT_MS: '2500', LEDGERLINE_LEASE_MS: '5000' };

describe('a zombie: stopped in the middle of an insert for longer than its session, then continued', () => {
  async function play(
    zombieOf: (its: Scene, gate: Gate) => WorkerProcess,
  ): Promise<{ judgement: Judgement; lateInsert: number }> {
    const its = await stage.scene({ partitions: 1 });
    const gate = await stage.gateTo(its.place.clickhouseUrl);
    const holding = gate.hold('before-insert');
    const zombie = zombieOf(its, gate);
    await zombie.logged('joined the group');
    await its.produce(messages(200, 1));
    const held = await holding;
    zombie.kill('SIGSTOP');
    its.worker(SHORT_LEASE);
    await its.judgeWhenCommitted();
    // The engine forgets the token of that insert: only the lease is left to tell that it is late.
    await its.clickhouse.command(
      'ALTER TABLE audit_events MODIFY SETTING non_replicated_deduplication_window = 1',
    );
    await its.produce(messages(200, 1));
    await its.judgeWhenCommitted();
    // The insert, on its way all the time, reaches the engine only now.
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
    expect(judgement).toMatchObject({ produced: 600, stored: 600, ...FAULTLESS });
  });

  it('control: without the lease the zombie doubles rows', async () => {
    const { judgement, lateInsert } = await play((its, gate) =>
      its.sabotagedWorker('no-lease', SHORT_LEASE, { clickhouseUrl: gate.url }),
    );
    expect(lateInsert).toBe(200);
    expect(judgement.doubled).toHaveLength(200);
  });
});

describe('a stale commit: stopped between insert and commit, and continued after a takeover', () => {
  async function play(
    sleeperOf: (its: Scene, gate: Gate) => WorkerProcess,
  ): Promise<{ its: Scene; sleeper: WorkerProcess }> {
    const its = await stage.scene({ partitions: 1 });
    const gate = await stage.gateTo(its.place.clickhouseUrl);
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
    expect(await its.judgeWhenCommitted()).toMatchObject({ stored: 300, ...FAULTLESS });
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

describe('an insert that takes longer than the session', () => {
  it('leaves the worker in its group, and is stored once', async () => {
    const its = await stage.scene();
    const gate = await stage.gateTo(its.place.clickhouseUrl);
    const slow = its.worker({}, { clickhouseUrl: gate.url });
    // The first alone, so that the second makes it join again.
    await slow.logged('joined the group');
    its.worker();
    await until(
      'both are in the group',
      () => Promise.resolve(slow.log().split('joined the group').length),
      (times) => times > 2,
    );
    const joined = slow.log().split('joined the group').length;
    const holding = gate.hold('before-insert');
    const load = its.load(100);
    const held = await holding;
    // Not a wait for something: it is the slowness, beside sessions of six seconds.
    await new Promise((resolve) => setTimeout(resolve, 9_000));
    held.release();
    await load.stop();
    const judgement = await its.judgeWhenCommitted();
    expect(slow.log().split('joined the group')).toHaveLength(joined);
    expect(judgement).toMatchObject({ stored: judgement.produced, ...FAULTLESS });
  });

  it('is let go of in a rebalance, and harms nothing when it ends after its range has another owner', async () => {
    const its = await stage.scene();
    const gate = await stage.gateTo(its.place.clickhouseUrl);
    const slow = its.worker({}, { clickhouseUrl: gate.url });
    await slow.logged('joined the group');
    const holdings = [gate.hold('before-insert'), gate.hold('before-insert')];
    await its.produce(messages(400));
    const held = await Promise.all(holdings);
    its.worker();
    its.worker();
    its.worker();
    const judgement = await its.judgeWhenCommitted();
    for (const one of held) one.release();
    await Promise.all(held.map(({ answered }) => answered));
    expect(judgement).toMatchObject({ stored: 400, ...FAULTLESS });
    expect(await its.judge()).toMatchObject({ stored: 400, ...FAULTLESS });
  });
});
