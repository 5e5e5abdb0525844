/** R-DLV-01 when somebody sets a clock by hours: the worker's, forth and back, or the engine's. */
import { describe, expect, it, vi } from 'vitest';
import { engineScene } from '../support/engine-stage.ts';
import { FAULTLESS } from '../support/oracle.ts';
import { messages, type Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';

const stage = useStage();

vi.setConfig({ testTimeout: 180_000 });

const HOURS = 2 * 3_600_000;

/** A preloaded module by which a signal sets the clock that the whole process reads; timers go on, as in life. */
const settable = (byMs: number): Record<string, string> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    `const now = Date.now; let by = 0; Date.now = () => now() + by; process.on('SIGUSR2', () => { by += ${byMs}; });`,
  )}`,
});

async function storesMore(its: Scene): Promise<void> {
  const { stored } = await its.judge();
  await until(
    'more is stored',
    () => its.judge(),
    (judgement) => judgement.stored > stored,
    30_000,
  );
}

describe('a clock is set by two hours', () => {
  it.each([
    ['back', -HOURS],
    ['forth', HOURS],
  ])('%s, under a worker: it goes on, in the group, and stores once', async (_, byMs) => {
    const its = await stage.scene();
    const worker = its.worker(settable(byMs));
    await worker.logged('joined the group');
    const load = its.load(300);
    await storesMore(its);
    worker.kill('SIGUSR2');
    // Longer than its session, which it must not have lost, or must have found again.
    const began = performance.now();
    while (performance.now() - began < 10_000) await storesMore(its);
    await storesMore(its);
    await load.stop();
    const judgement = await its.judgeWhenCommitted();
    expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
    expect(worker.log().includes('CLOCK_SET_BACK')).toBe(byMs < 0);
  });

  it('forth, of the engine: leases of its old time are over, and are made anew at once', async () => {
    const on = await engineScene(stage);
    const { its, proxy } = on;
    let asked = 0;
    // The engine's clock as it was when the worker asked for it first.
    proxy.treat(({ statement }) =>
      statement.includes('toUnixTimestamp64Milli(now64(3))') && ++asked === 1
        ? { status: 200, body: `{"now":"${Date.now() - HOURS}"}\n` }
        : 'pass',
    );
    const [worker] = await on.workers(1);
    const began = performance.now();
    await its.produce(messages(400));
    const judgement = await its.judgeWhenCommitted(30_000);
    expect(judgement).toMatchObject({ ...FAULTLESS, stored: 400 });
    // Sooner than the clock is asked for by itself, and without trying again and again until then.
    expect(performance.now() - began).toBeLessThan(30_000);
    worker?.kill('SIGTERM');
    await worker?.exited;
    const leases = /"leasesOver":(\d+)/.exec(worker?.log() ?? '')?.[1];
    expect(Number(leases)).toBeGreaterThan(0);
    expect(Number(leases)).toBeLessThanOrEqual(8);
  });
});
