/** R-DLV-01 with a worker SIGKILLed at each step of the protocol, under load, beside one that lives. */
import { describe, expect, it } from 'vitest';
import type { BrokerProxy } from '../support/broker-proxy.ts';
import type { Gate } from '../support/gate.ts';
import { API, type KafkaRequest } from '../support/kafka-frames.ts';
import { FAULTLESS, type Judgement } from '../support/oracle.ts';
import { messages, type Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const stage = useStage();

const declaresBatch = ({ body }: KafkaRequest): boolean => body.includes('"end"');

/** Where the worker is when it is killed: each resolves there, and holds it. */
const STEPS: Readonly<Record<string, (proxy: BrokerProxy, gate: Gate) => Promise<unknown>>> = {
  'before the intent': (proxy) => proxy.next(API.offsetCommit, 'swallow', { where: declaresBatch }),
  'after the intent, before it is answered': (proxy) =>
    proxy.next(API.offsetCommit, 'lose', { where: declaresBatch }),
  'after the intent': (_, gate) => gate.hold('before-insert'),
  'in the middle of the insert': (_, gate) => gate.hold('mid-insert'),
  'after the insert, before the commit': (_, gate) => gate.hold('after-insert'),
  'after the commit': (proxy) =>
    proxy.next(API.offsetCommit, 'lose', { where: (request) => !declaresBatch(request) }),
};

async function killAt(step: (typeof STEPS)[string]): Promise<Judgement> {
  const its = await stage.scene();
  const [gate, proxy] = [await stage.gateTo(its.place.clickhouseUrl), await stage.proxy()];
  const victim = its.worker({}, { clickhouseUrl: gate.url, brokers: [proxy.address] });
  await victim.logged('joined the group');
  const there = step(proxy, gate);
  // A burst, so that an insert has more than one piece; then thin traffic, so that batches end.
  await its.produce(messages(4_000));
  const load = its.load(100);
  const heir = its.worker();
  await there;
  victim.kill('SIGKILL');
  await victim.exited;
  await heir.logged('joined the group');
  await load.stop();
  return its.judgeWhenCommitted();
}

describe('a worker is SIGKILLed under load, and another goes on (R-DLV-01)', () => {
  it('at every step of the protocol: each offset is stored once, as it was sent', async () => {
    const judgements = await Promise.all(
      Object.entries(STEPS).map(async ([name, step]) => [name, await killAt(step)] as const),
    );
    for (const [name, judgement] of judgements) {
      expect(judgement, name).toMatchObject(FAULTLESS);
      expect(judgement.stored, name).toBe(judgement.produced);
      expect(judgement.produced, name).toBeGreaterThanOrEqual(4_000);
    }
  }, 120_000);
});

describe('control: the oracle finds what a worker without a part of the protocol does', () => {
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
  }, 60_000);

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
  }, 60_000);

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
  }, 60_000);

  it('with the contents of two rows exchanged every offset is there, and two are altered', async () => {
    const its = await stage.scene();
    its.sabotagedWorker('exchanges-rows');
    await its.produce(messages(40));
    const judgement = await its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ stored: 40, missing: [], doubled: [], foreign: [] });
    expect(judgement.altered.length).toBeGreaterThanOrEqual(2);
  });
});
