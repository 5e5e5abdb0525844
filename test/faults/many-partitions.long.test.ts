/**
 * R-DLV-01, R-DLV-03: a topic of 200 partitions. Whoever takes all of them over asks several questions of each before
 * its first fetch, and still joins within one session; when others come and go, no partition is left behind.
 */
import { describe, expect, it, vi } from 'vitest';
import { FAULTLESS } from '../support/oracle.ts';
import type { Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { messages } from '../support/wire-row.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

vi.setConfig({ testTimeout: 240_000 });

const stage = useStage();

const PARTITIONS = 200;
/** One request of a producer: each partition stores one batch of it. */
const PORTION = 400;

/** How often a worker has joined, and been given partitions. */
const joinsOf = (worker: WorkerProcess): number => worker.log().split('"code":"JOINED"').length - 1;

/** Of the last join: how many partitions it was given. */
function ownedBy(worker: WorkerProcess): number {
  const line =
    worker
      .log()
      .split('\n')
      .findLast((one) => one.includes('"code":"JOINED"')) ?? '{}';
  const { partitions = {} } = JSON.parse(line) as { partitions?: Record<string, number> };
  return Object.keys(partitions).length;
}

const allOwned = (workers: readonly WorkerProcess[]): Promise<number> =>
  until(
    'every partition has its owner',
    () => Promise.resolve(workers.reduce((sum, worker) => sum + ownedBy(worker), 0)),
    (owned) => owned === PARTITIONS,
    90_000,
  );

/** What was produced so far is committed; a producer that tries again may have sent some of it twice. */
const consumed = (its: Scene, portions: number): Promise<number[]> =>
  until(
    'every partition is read as far as it was written',
    () => its.committed(),
    (offsets) =>
      offsets.length === PARTITIONS &&
      offsets.every((offset) => offset >= (portions * PORTION) / PARTITIONS),
    90_000,
  );

describe('a topic of 200 partitions', () => {
  it('is taken over by one worker, shared with a second, and taken over again when one is killed', async () => {
    const its = await stage.scene({ partitions: PARTITIONS });
    const produce = (): Promise<void> => its.produce(messages(PORTION, PARTITIONS));

    await produce();
    const first = its.worker();
    await allOwned([first]);
    await consumed(its, 1);
    // Whoever is silent for a session while it joins is out of the group, and joins again.
    expect(joinsOf(first)).toBe(1);

    const second = its.worker();
    await until(
      'half of them have changed hands',
      () => Promise.resolve([ownedBy(first), ownedBy(second)]),
      ([one, other]) => one === PARTITIONS / 2 && other === PARTITIONS / 2,
      90_000,
    );
    await produce();
    await consumed(its, 2);

    await produce();
    first.kill('SIGKILL');
    await first.exited;
    await allOwned([second]);
    const joins = joinsOf(second);
    await produce();
    const { produced, ...judgement } = await its.judgeWhenCommitted(90_000);
    expect(produced).toBeGreaterThanOrEqual(4 * PORTION);
    expect(judgement).toEqual({ stored: produced, quarantined: 0, ...FAULTLESS });
    expect(joinsOf(second)).toBe(joins);
    expect(first.log() + second.log()).not.toContain('KAFKA_RECONNECTING');
  });
});
