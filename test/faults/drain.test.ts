/** R-DLV-01: an orderly end. */
import { describe, expect, it } from 'vitest';
import { FAULTLESS } from '../support/oracle.ts';
import { messages } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';

const stage = useStage();

describe('an orderly end', () => {
  it('SIGTERM: what is in hand is stored and committed, exit 0', async () => {
    const its = await stage.scene();
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
      ...FAULTLESS,
    });
  });
});
