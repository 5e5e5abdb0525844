/** More of controls.test.ts: these wait for acknowledgements that are long delayed. */
import { describe, expect, it, vi } from 'vitest';
import { FAULTLESS } from '../support/oracle.ts';
import { messages, type Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const stage = useStage();

vi.setConfig({ testTimeout: 90_000 });

describe('the oracle finds what a worker does (R-DLV-01)', () => {
  it('without the intent an acknowledgement that is long delayed doubles rows; with it, none', async () => {
    const play = async (workerOf: (its: Scene, url: string) => WorkerProcess) => {
      const its = await stage.scene({ partitions: 1 });
      const gate = await stage.gateTo(its.place.clickhouseUrl);
      const holding = gate.hold('before-insert');
      const victim = workerOf(its, gate.url);
      await victim.logged('joined the group');
      await its.produce(messages(300, 1));
      const held = await holding;
      victim.kill('SIGKILL');
      await victim.exited;
      await its.produce(messages(300, 1));
      workerOf(its, its.place.clickhouseUrl);
      await its.judgeWhenCommitted();
      // The dead worker's insert, under a lease that still holds, reaches the engine only now.
      held.release();
      expect(await held.answered).toBe(200);
      return its.judge();
    };
    const [without, withIntent] = await Promise.all([
      play((its, clickhouseUrl) => its.sabotagedWorker('no-intent', {}, { clickhouseUrl })),
      play((its, clickhouseUrl) => its.worker({}, { clickhouseUrl })),
    ]);
    expect(without.doubled).toHaveLength(300);
    expect(withIntent).toMatchObject({ stored: 600, ...FAULTLESS });
  });

  it('with the commit before the insert it loses rows', async () => {
    const its = await stage.scene();
    const gate = await stage.gateTo(its.place.clickhouseUrl);
    const held = gate.hold('before-insert');
    const victim = its.sabotagedWorker('commit-first', {}, { clickhouseUrl: gate.url });
    await victim.logged('joined the group');
    await its.produce(messages(300));
    await held;
    victim.kill('SIGKILL');
    await victim.exited;
    its.worker();
    const judgement = await its.judgeWhenCommitted();
    expect(judgement.missing.length).toBeGreaterThan(0);
  });
});
