/**
 * R-DLV-01 when Kafka itself takes something away. Nothing is skipped or called stored in silence: the
 * worker stops, says which choice the operator has, and goes on once it was made.
 */
import { inject, describe, expect, it, onTestFinished, vi } from 'vitest';
import kafkajs, { type Admin } from 'kafkajs';
import { FAULTLESS } from '../support/oracle.ts';
import { messages, type Scene } from '../support/scene.ts';
import { useStage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const stage = useStage();

vi.setConfig({ testTimeout: 90_000 });

async function adminOf(): Promise<Admin> {
  const admin = new kafkajs.Kafka({
    brokers: inject('brokers'),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  return admin;
}

/** A topic of which `count` messages are stored and committed; its worker is gone. */
async function consumed(count = 400): Promise<Scene> {
  const its = await stage.scene();
  const worker = its.worker();
  await its.produce(messages(count));
  await its.judgeWhenCommitted();
  await end(worker);
  return its;
}

async function end(worker: WorkerProcess): Promise<void> {
  worker.kill('SIGTERM');
  expect((await worker.exited).code).toBe(0);
}

/** Its exit code and its log, once it has ended by itself. */
async function lastWords(worker: WorkerProcess): Promise<string> {
  const { code } = await worker.exited;
  return `${code}: ${worker.log()}`;
}

const OVERTAKEN = /^1: .*KAFKA_OFFSETS_LOST.*LEDGERLINE_ACCEPT_LOSS=retention/s;
const RECREATED = /^1: .*KAFKA_TOPIC_RECREATED.*LEDGERLINE_ACCEPT_LOSS=recreated/s;

async function remake(admin: Admin, topic: string): Promise<void> {
  await admin.deleteTopics({ topics: [topic] });
  await until(
    'the topic is made again',
    // kafkajs's own wait for leaders asks too early.
    () => admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 4 }] }),
    (made) => made,
  );
  await until(
    'it has leaders',
    () => admin.fetchTopicMetadata({ topics: [topic] }),
    ({ topics }) => topics[0]?.partitions.every(({ leader }) => leader >= 0) ?? false,
  );
}

/** What retention does, at once. */
async function truncate(its: Scene, partition: number, offset: number): Promise<void> {
  const admin = await adminOf();
  // kafkajs finds no leader of a topic that it has not heard of.
  await admin.fetchTopicOffsets(its.topic);
  await admin.deleteTopicRecords({
    topic: its.topic,
    partitions: [{ partition, offset: String(offset) }],
  });
}

const losses = (its: Scene) =>
  its.clickhouse.query<{ partition: number; offset: string }>(
    "SELECT kafka_partition AS partition, kafka_offset AS offset FROM audit_quarantine WHERE reason = 'accepted_loss' ORDER BY partition",
  );

describe('retention has overtaken the committed offset', () => {
  it('the worker stops; with LEDGERLINE_ACCEPT_LOSS=retention it records the loss and goes on', async () => {
    const its = await consumed();
    await its.produce(messages(400));
    await truncate(its, 1, 150);
    expect(await lastWords(its.worker())).toMatch(OVERTAKEN);
    // Nothing behind the loss was taken meanwhile.
    expect((await its.committed())[1]).toBe(100);
    its.worker({ LEDGERLINE_ACCEPT_LOSS: 'retention' });
    expect(await its.judgeWhenCommitted()).toMatchObject(FAULTLESS);
    expect(await losses(its)).toEqual([{ partition: 1, offset: '149' }]);
  });

  it('the same where the committed offset has expired as well', async () => {
    const its = await consumed();
    await its.produce(messages(400));
    const admin = await adminOf();
    await until(
      'the group is gone',
      () => admin.deleteGroups([its.topic]),
      ([answer]) => answer?.errorCode === 0,
    );
    await truncate(its, 1, 150);
    expect(await lastWords(its.worker())).toMatch(OVERTAKEN);
  });

  it('under a running worker, which was about to read there', async () => {
    const its = await stage.scene({ partitions: 1 });
    const gate = await stage.gateTo(its.place.clickhouseUrl);
    const worker = its.worker(
      { LEDGERLINE_BATCH_ROWS: '100', LEDGERLINE_BUFFER_BYTES: `${1 << 20}` },
      { clickhouseUrl: gate.url },
    );
    const holding = gate.hold('before-insert');
    await its.produce(messages(20_000, 1));
    const held = await holding;
    await truncate(its, 0, 19000);
    held.release();
    expect(await lastWords(worker)).toMatch(OVERTAKEN);
    const judgement = await its.judge();
    expect(judgement).toMatchObject({ doubled: [], altered: [], foreign: [] });
    expect(judgement.stored).toBeLessThan(19_000);
  });
});

describe('the topic is deleted and made again', () => {
  it('under a stopped worker: it stops, though Kafka has deleted the offsets with the topic', async () => {
    const its = await consumed();
    await its.produce(messages(40));
    const admin = await adminOf();
    await remake(admin, its.topic);
    its.sent.acknowledged.clear();
    await its.produce(messages(400));
    // A producer that knew the old topic may send to all partitions again because one was not ready yet.
    const bounds = await admin.fetchTopicOffsets(its.topic);
    const highs = bounds.sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
    expect(await lastWords(its.worker())).toMatch(RECREATED);
    const worker = its.worker({ LEDGERLINE_ACCEPT_LOSS: 'recreated' });
    await until(
      'the new topic is committed',
      () => its.committed(),
      (offsets) => offsets.every((offset, partition) => offset === highs[partition]),
    );
    expect((await losses(its)).map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
    await end(worker);
    // Accepted once is enough.
    await its.worker().logged('joined the group');
    const [logs] = await its.clickhouse.query<{ ids: string; rows: string }>(
      'SELECT uniqExact(kafka_topic_id) AS ids, count() AS rows FROM audit_events',
    );
    const held = 400 + highs.reduce((sum, high) => sum + high, 0);
    expect(logs).toEqual({ ids: '2', rows: String(held) });
  });

  it('under a running worker that misses it, and whose next offset exists in the new one too', async () => {
    const its = await stage.scene();
    const worker = its.worker();
    await worker.logged('joined the group');
    await its.produce(messages(400));
    await its.judgeWhenCommitted();
    worker.kill('SIGSTOP');
    await remake(await adminOf(), its.topic);
    await its.produce(messages(800));
    worker.kill('SIGCONT');
    expect(await lastWords(worker)).toMatch(RECREATED);
    // Not one row of the new log went under the id of the old one.
    const [rows] = await its.clickhouse.query<{ rows: string }>(
      'SELECT count() AS rows FROM audit_events',
    );
    expect(rows?.rows).toBe('400');
  });
});

describe('the group’s offsets', () => {
  const reset = async (its: Scene, to: (partition: number) => string): Promise<void> => {
    const admin = await adminOf();
    await until(
      'the group is empty',
      async () => {
        await admin.setOffsets({
          groupId: its.topic,
          topic: its.topic,
          partitions: [0, 1, 2, 3].map((partition) => ({ partition, offset: to(partition) })),
        });
        return true;
      },
      (done) => done,
    );
  };

  it('have expired: all is read again, and nothing doubled', async () => {
    const its = await consumed();
    const admin = await adminOf();
    await until(
      'the group is gone',
      () => admin.deleteGroups([its.topic]),
      ([answer]) => answer?.errorCode === 0,
    );
    await its.produce(messages(400));
    its.worker();
    expect(await its.judgeWhenCommitted()).toMatchObject({ stored: 800, ...FAULTLESS });
  });

  it('are set back by hand: nothing is doubled', async () => {
    const its = await consumed();
    await reset(its, (partition) => String(partition * 30));
    await its.produce(messages(400));
    its.worker();
    expect(await its.judgeWhenCommitted()).toMatchObject({ stored: 800, ...FAULTLESS });
  });

  it('are set forward by hand: nothing is skipped', async () => {
    const its = await consumed();
    await its.produce(messages(400));
    await reset(its, () => '180');
    const worker = its.worker();
    await worker.logged('set past what is stored');
    expect(await its.judgeWhenCommitted()).toMatchObject({ stored: 800, ...FAULTLESS });
  });
});

describe('a compacted topic', () => {
  it('is refused at the start, with the setting to change', async () => {
    const its = await stage.scene({ topicConfig: { 'cleanup.policy': 'compact' } });
    expect(await lastWords(its.worker())).toMatch(
      /^1: .*is compacted.*Set its cleanup\.policy to delete/s,
    );
  });
});
