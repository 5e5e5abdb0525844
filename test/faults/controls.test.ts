/** The oracle finds what a worker without a part of the protocol does, or its word would be worth nothing. */
import { describe, expect, it, vi } from 'vitest';
import { messages, type Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const stage = useStage();

vi.setConfig({ testTimeout: 90_000 });

describe('the oracle finds what a worker does (R-DLV-01)', () => {
  async function killedAfterInsert(workerOf: (its: Scene, url: string) => WorkerProcess) {
    const its = await stage.scene();
    const gate = await stage.gateTo(its.place.clickhouseUrl);
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

  it('without token and look it doubles rows', async () => {
    const judgement = await killedAfterInsert((its, clickhouseUrl) =>
      its.sabotagedWorker('no-token-no-look', {}, { clickhouseUrl }),
    );
    expect(judgement.doubled.length).toBeGreaterThan(0);
    expect(judgement.missing).toEqual([]);
  });

  it('with the contents of two rows exchanged every offset is there, and two are altered', async () => {
    const its = await stage.scene();
    its.sabotagedWorker('exchanges-rows');
    await its.produce(messages(40));
    const judgement = await its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ stored: 40, missing: [], doubled: [], foreign: [] });
    expect(judgement.altered.length).toBeGreaterThanOrEqual(2);
  });
});
