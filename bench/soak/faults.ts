/** The faults of the soak. Each does its harm, undoes it, and resolves. */
import { setTimeout as delay } from 'node:timers/promises';
import { API, commitRefused, ERROR, noCoordinator } from '../../test/support/kafka-frames.ts';
import type { WorkerProcess } from '../../test/support/worker-process.ts';
import type { Random } from '../events/random.ts';
import type { Ground } from './ground.ts';

type Fault = (ground: Ground, random: Random) => Promise<void>;

const worker = (ground: Ground, random: Random): WorkerProcess | undefined =>
  ground.workers[random.below(ground.workers.length)];

/** Waits for what may never be asked for, when nobody happens to be behind the proxy or the gate. */
const atMost = (work: Promise<unknown>, ms: number): Promise<unknown> =>
  Promise.race([work, delay(ms)]);

export const FAULTS: Readonly<Record<string, Fault>> = {
  'worker SIGKILL': async (ground, random) => worker(ground, random)?.kill('SIGKILL'),
  'worker SIGTERM': async (ground, random) => worker(ground, random)?.kill('SIGTERM'),
  'worker SIGSTOP': async (ground, random) => {
    const victim = worker(ground, random);
    victim?.kill('SIGSTOP');
    // Beyond its session of six seconds, or not.
    await delay(1_000 + random.below(9_000));
    victim?.kill('SIGCONT');
  },
  'all workers SIGKILL': async (ground) => {
    for (const one of ground.workers) one.kill('SIGKILL');
  },
  'worker SIGKILL before its insert': async (ground, random) => {
    const held = ground.gate.hold('before-insert');
    await atMost(held, 5_000);
    worker(ground, random)?.kill('SIGKILL');
    void held.then((one) => one.release());
  },
  'worker SIGKILL after its insert': async (ground, random) => {
    const held = ground.gate.hold('after-insert');
    await atMost(held, 5_000);
    worker(ground, random)?.kill('SIGKILL');
    void held.then((one) => one.release());
  },
  'insert late': async (ground, random) => {
    const held = ground.gate.hold(random.chance(0.5) ? 'before-insert' : 'after-insert');
    await atMost(held, 5_000);
    await delay(random.below(9_000));
    void held.then((one) => one.release());
  },
  'engine SIGKILL': async (ground, random) => {
    ground.engine.kill('SIGKILL');
    await ground.engine.exited;
    await delay(random.below(3_000));
    await ground.restartEngine();
  },
  'engine SIGSTOP': async (ground, random) => {
    ground.engine.kill('SIGSTOP');
    await delay(500 + random.below(9_000));
    ground.engine.kill('SIGCONT');
  },
  'broker SIGKILL': async (ground, random) => {
    ground.kafka.kill('SIGKILL');
    await ground.kafka.exited;
    await delay(random.below(5_000));
    await ground.restartKafka();
  },
  'broker SIGSTOP': async (ground, random) => {
    ground.kafka.kill('SIGSTOP');
    await delay(500 + random.below(9_000));
    ground.kafka.kill('SIGCONT');
  },
  'connections cut': async (ground) => ground.proxy.cut(),
  'connection cut in the middle of an answer': async (ground, random) => {
    const kinds = [API.fetch, API.offsetCommit, API.heartbeat, API.offsetFetch];
    await atMost(ground.proxy.next(kinds[random.below(kinds.length)] ?? API.fetch, 'cut'), 5_000);
  },
  'commits refused': async (ground, random) => {
    const errors = Object.values(ERROR);
    const answer = commitRefused(errors[random.below(errors.length)] ?? ERROR.illegalGeneration);
    const treatment = random.chance(0.5) ? { instead: answer } : { afterwards: answer };
    await atMost(ground.proxy.next(API.offsetCommit, treatment, { times: 3 }), 5_000);
  },
  'commits late': async (ground, random) => {
    const delayMs = 500 + random.below(3_000);
    await atMost(ground.proxy.next(API.offsetCommit, { delayMs }, { times: 3 }), 10_000);
  },
  'no coordinator': async (ground) => {
    const lost = ground.proxy.next(API.findCoordinator, { instead: noCoordinator }, { times: 2 });
    ground.proxy.cut();
    await atMost(lost, 5_000);
  },
};
