/**
 * R-DLV-03 in short, for every run: two workers, four partitions, and in turn a balancer without anyone
 * behind it, replies lost after the engine has stored, and requests that nobody answers. The whole list is
 * in engine-outage.long.test.ts.
 */
import { expect, it } from 'vitest';
import { openEngineProxy, type Rule } from '../support/engine-proxy.ts';
import { FAULTLESS } from '../support/oracle.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';

const stage = useStage();

const troubles: readonly Rule[] = [
  () => ({ status: 503 }),
  ({ isInsert }) => (isInsert ? 'lose-reply' : 'pass'),
  ({ number }) => (number % 2 === 0 ? 'swallow' : 'pass'),
];

it('errors of a balancer, lost replies and silence: waited for, looked up, stored once', async () => {
  const its = await stage.scene();
  const proxy = await openEngineProxy(its.place.clickhouseUrl);
  stage.atEnd(() => proxy.close());
  const env = { LEDGERLINE_INSERT_TIMEOUT_MS: '2500', LEDGERLINE_LEASE_MS: '5000' };
  const workers = [1, 2].map(() => its.worker(env, { clickhouseUrl: proxy.url }));
  for (const worker of workers) await worker.logged('joined the group');
  const load = its.load(300);
  for (const trouble of troubles) {
    const treated = proxy.treat(trouble);
    await until(
      'it has been met',
      () => Promise.resolve(treated()),
      (times) => times >= 4,
    );
  }
  proxy.treat(() => 'pass');
  await load.stop();
  const judgement = await its.judgeWhenCommitted();
  expect(judgement).toMatchObject({ quarantined: 0, stored: judgement.produced, ...FAULTLESS });
});
