/** R-DLV-01 on three brokers, acks=all and min.insync.replicas=2, with one of them killed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startKafkaCluster } from '../../local/kafka-cluster.ts';
import { FAULTLESS } from '../support/oracle.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';

const stage = useStage();

it('one of three brokers is SIGKILLed, whichever: all that was acknowledged is stored once', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ledgerline-cluster-'));
  stage.atEnd(() => rmSync(dataDir, { recursive: true, force: true }));
  const cluster = await startKafkaCluster({ dataDir, nodes: 3 });
  stage.atEnd(() => cluster.stop());
  const its = await stage.scene({
    brokers: cluster.brokers,
    replicationFactor: 3,
    topicConfig: { 'min.insync.replicas': '2' },
  });
  await its.worker().logged('joined the group', 60_000);
  await its.worker().logged('joined the group', 60_000);
  const load = its.load(300);
  const stores = async (): Promise<void> => {
    // Leaders are on their way just after the kill, and the judge asks them too.
    const { stored } = await until(
      'it can be judged',
      () => its.judge(),
      () => true,
    );
    await until(
      'more is stored',
      () => its.judge(),
      (judgement) => judgement.stored > stored + 300,
      120_000,
    );
  };
  await stores();
  // It leads partitions, and may be the coordinator or the controller.
  const [victim] = cluster.nodes;
  victim?.kill('SIGKILL');
  await victim?.exited;
  await stores();
  await load.stop();
  const judgement = await its.judgeWhenCommitted(120_000);
  expect(judgement).toMatchObject({ ...FAULTLESS, stored: judgement.produced });
  expect(judgement.produced).toBeGreaterThanOrEqual(load.acknowledged);
}, 300_000);
