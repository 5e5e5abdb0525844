/** R-DLV-01 with partitions added, transactions aborted, and a topic that becomes compacted, while workers run. */
import kafkajs from 'kafkajs';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { FAULTLESS } from '../support/oracle.ts';
import { messages, wireRow } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

vi.setConfig({ testTimeout: 120_000 });

const kafka = () =>
  new kafkajs.Kafka({ brokers: inject('brokers'), logLevel: kafkajs.logLevel.NOTHING });

async function adminOf() {
  const admin = kafka().admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  return admin;
}

describe('a topic under running workers', () => {
  it('gets more partitions: their messages are stored too', async () => {
    const its = await stage.scene();
    await its.worker().logged('joined the group');
    await its.worker().logged('joined the group');
    await its.produce(messages(400));
    const admin = await adminOf();
    await admin.createPartitions({ topicPartitions: [{ topic: its.topic, count: 7 }] });
    const producer = kafka().producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    for (const partition of [4, 5, 6]) {
      const values = Array.from({ length: 50 }, () => wireRow());
      const digests = its.sent.attempt(values);
      await producer.send({
        topic: its.topic,
        messages: values.map((value) => ({ value, partition })),
      });
      digests.forEach((digest, offset) => its.sent.acknowledge(partition, offset, digest));
    }
    expect(await its.judgeWhenCommitted(90_000)).toMatchObject({ stored: 550, ...FAULTLESS });
  });

  it('has transactions, some aborted: what was aborted is not stored, the rest is', async () => {
    const its = await stage.scene();
    await its.worker().logged('joined the group');
    await its.worker().logged('joined the group');
    const producer = kafka().producer({
      transactionalId: its.topic,
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    let kept = 0;
    for (let turn = 0; turn < 40; turn++) {
      const partition = turn % 4;
      const values = Array.from({ length: 1 + (turn % 7) }, () => wireRow());
      const transaction = await producer.transaction();
      const [answer] = await transaction.send({
        topic: its.topic,
        messages: values.map((value) => ({ value, partition })),
      });
      if (turn % 3 === 0) {
        await transaction.abort();
        continue;
      }
      await transaction.commit();
      kept += values.length;
      its.sent
        .attempt(values)
        .forEach((digest, index) =>
          its.sent.acknowledge(partition, Number(answer?.baseOffset) + index, digest),
        );
    }
    its.worker();
    expect(await its.judgeWhenCommitted(60_000, { transactional: true })).toMatchObject({
      produced: kept,
      stored: kept,
      ...FAULTLESS,
    });
  });

  it('becomes compacted: the workers stop, with the setting to change', async () => {
    const its = await stage.scene();
    const worker = its.worker();
    await worker.logged('joined the group');
    const load = its.load(50);
    const admin = await adminOf();
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: its.topic,
          configEntries: [{ name: 'cleanup.policy', value: 'compact' }],
        },
      ],
    });
    expect((await worker.exited).code).toBe(1);
    await load.stop();
    expect(worker.log()).toContain('KAFKA_TOPIC_UNFIT');
    expect(worker.log()).toContain('Set its cleanup.policy to delete');
    expect(await its.judge()).toMatchObject({ doubled: [], altered: [], foreign: [] });
  });
});
