/**
 * R-DLV-01 for minutes: workers killed, stopped, ended and started at random moments, under load. It runs
 * for FAULT_SECONDS (60), and FAULT_SEED repeats one run's choices.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/events/random.ts';
import { FAULTLESS } from '../support/oracle.ts';
import type { Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const stage = useStage();

const SECONDS = Number(process.env['FAULT_SECONDS'] ?? 60);
const SEED = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
const LIMIT_MS = (SECONDS + 240) * 1000;
const ENV = { LEDGERLINE_INSERT_TIMEOUT_MS: '2500', LEDGERLINE_LEASE_MS: '5000' };

/** Workers that come and go while `seconds` pass; ends with two that live. */
async function storm(
  its: Scene,
  seconds: number,
  turn: (random: Random, workers: WorkerProcess[]) => Promise<void>,
): Promise<void> {
  const random = new Random(SEED);
  const workers = [its.worker(ENV), its.worker(ENV), its.worker(ENV)];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) await turn(random, workers);
  for (const worker of workers) worker.kill('SIGCONT');
  its.worker(ENV);
}

describe(`for ${SECONDS} s, seed ${SEED}`, () => {
  it(
    'SIGKILL, SIGSTOP beyond the session and SIGTERM at random moments',
    async () => {
      const its = await stage.scene();
      const load = its.load(500);
      await storm(its, SECONDS, async (random, workers) => {
        await delay(random.below(3_000));
        const at = random.below(workers.length);
        const worker = workers[at];
        if (!worker) return;
        const luck = random.fraction();
        if (luck < 0.3) {
          worker.kill('SIGSTOP');
          // Beyond the session of six seconds, or not.
          await delay(random.below(9_000));
          worker.kill('SIGCONT');
          return;
        }
        worker.kill(luck < 0.8 ? 'SIGKILL' : 'SIGTERM');
        workers[at] = its.worker(ENV);
      });
      await load.stop();
      const judgement = await its.judgeWhenCommitted(180_000);
      expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
    },
    LIMIT_MS,
  );

  it(
    'a rebalance storm: workers join and leave every few seconds',
    async () => {
      const its = await stage.scene();
      const load = its.load(500);
      await storm(its, SECONDS / 2, async (random, workers) => {
        workers.push(its.worker(ENV));
        await delay(500 + random.below(2_000));
        const leaving = workers.splice(random.below(workers.length - 1), 1)[0];
        leaving?.kill('SIGTERM');
        await delay(random.below(1_500));
      });
      await load.stop();
      const judgement = await its.judgeWhenCommitted(180_000);
      expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
    },
    LIMIT_MS,
  );
});
