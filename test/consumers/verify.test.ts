/**
 * R-DLV-05: `verify` finds every kind of fault by itself, and calls nothing a fault that is none. Faults are made
 * in the tables, behind a worker that has stored everything once.
 */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterEach, beforeAll, afterAll, describe, expect, inject, it } from 'vitest';
import {
  applyRetention,
  erase,
  EVERY_TENANT,
  readRetentionState,
  setCleanup,
} from '../../clickhouse/index.ts';
import { expiryExpression } from '../../clickhouse/retention/classes.ts';
import { createTopic, verify, type VerifyReport } from '../../consumers/index.ts';
import { openScene, type Scene, type SceneOptions, wireRow as plainRow } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** With an address as the wire has it: what the slow path would refuse is not what is tested here. */
const wireRow = (fields: Readonly<Record<string, unknown>> = {}): string =>
  plainRow({ source_ip: '::ffff:10.1.2.3', ...fields });
const messages = (count: number, partitions: number) =>
  Array.from({ length: count }, (_, n) => ({ value: wireRow(), partition: n % partitions }));

const scenes: Scene[] = [];
async function scene(options: Partial<SceneOptions> = {}): Promise<Scene> {
  const opened = await openScene({
    brokers: inject('brokers'),
    clickhouseUrl: inject('clickhouseUrl'),
    ...options,
  });
  scenes.push(opened);
  return opened;
}
const closeScenes = async (): Promise<void> => {
  for (const one of scenes.splice(0)) await one.close();
};

const verified = (
  { topic, clickhouse }: Scene,
  options: { readonly deep?: boolean; readonly since?: Date } = {},
): Promise<VerifyReport> =>
  verify({ kafka: { brokers: inject('brokers'), topic, group: topic }, clickhouse, ...options });

const rows = async ({ clickhouse }: Scene): Promise<string> => {
  const [row] = await clickhouse.query<{ n: string }>('SELECT count() AS n FROM audit_events');
  return row?.n ?? '';
};

/** Rewrites the table behind the ledger's back. */
const tamper = (its: Scene, change: string): Promise<void> =>
  its.clickhouse.command(`ALTER TABLE ${change}`, { settings: { mutations_sync: 2 } });

const AT = 'kafka_partition = 0 AND kafka_offset =';

describe('R-DLV-05: a ledger of two partitions, with unfit messages and keys of a newer SDK', () => {
  let its: Scene;
  beforeAll(async () => {
    its = await scene({ partitions: 2 });
    its.worker();
    await its.produce([
      ...messages(60, 2),
      { value: '{"nonsense"', partition: 0, headers: { 'x-from': 'héllo' } },
      { value: null, partition: 0 },
      { value: wireRow({ shade: 'blue', depth: [1, 2] }), partition: 0 },
      { value: wireRow({ occurred_at: '2001-01-01T00:00:00Z' }), partition: 1 },
      {
        value: wireRow({ data: { text: 'a "quoted" \\ ünïcode \u2028' }, weight: 4 }),
        partition: 1,
      },
    ]);
    await its.judgeWhenCommitted();
  });
  afterAll(closeScenes);

  it('is sound, by offsets and by contents, bytes in quarantine included', async () => {
    const report = await verified(its, { deep: true });
    expect(report).toMatchObject({
      sound: true,
      totals: { stored: 62, quarantined: 3, missing: 0, doubled: 0, altered: 0, notConsumed: 0 },
      quarantinedByReason: { not_json: 1, tombstone: 1, expired: 1 },
    });
    const compared = report.partitions.map(({ contents }) => contents?.compared ?? 0);
    expect(compared.reduce((sum, n) => sum + n, 0)).toBe(65);
    const tables = await its.clickhouse.query(
      'SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, {prefix:String})',
      { params: { prefix: 'verify_scratch_' } },
    );
    expect(tables).toEqual([]);
  });

  it('an altered column is named, without its value; an erased row is told apart from it', async () => {
    await tamper(its, `audit_events UPDATE actor_name = 'Mallory' WHERE ${AT} 3`);
    await tamper(
      its,
      `audit_events UPDATE actor_name = '', attributes = mapUpdate(attributes, map('ledger.erased', 'actor_name')) WHERE ${AT} 4`,
    );
    await tamper(its, `audit_quarantine UPDATE message = 'other' WHERE reason = 'not_json'`);
    expect(await verified(its)).toMatchObject({ sound: true });
    const report = await verified(its, { deep: true });
    expect(report).toMatchObject({ sound: false, totals: { altered: 2, erased: 1 } });
    expect(report.partitions[0]?.contents?.alterations).toEqual([
      { offset: 3, table: 'audit_events', columns: ['actor_name'] },
      { offset: 30, table: 'audit_quarantine', columns: ['message'] },
    ]);
  });

  it('a quarantined message whose person was erased is told apart from an altered one', async () => {
    await erase(its.clickhouse, { identifiers: ['héllo'], tenant: EVERY_TENANT });
    const report = await verified(its, { deep: true });
    expect(report).toMatchObject({ totals: { quarantined: 3, altered: 1, erased: 2 } });
    await tamper(its, `audit_quarantine UPDATE message = 'other' WHERE reason = 'not_json'`);
    expect(await verified(its, { deep: true })).toMatchObject({
      totals: { altered: 2, erased: 1 },
    });
  });

  it('one lost and one doubled are both found, though the number of rows is right', async () => {
    const before = await rows(its);
    await tamper(its, `audit_events DELETE WHERE ${AT} 7`);
    expect(await verified(its)).toMatchObject({ sound: false, totals: { missing: 1, doubled: 0 } });
    await its.clickhouse.command(
      `INSERT INTO audit_events SELECT * FROM audit_events WHERE ${AT} 9`,
    );
    expect(await rows(its)).toBe(before);
    const report = await verified(its);
    expect(report).toMatchObject({ sound: false, totals: { missing: 1, doubled: 1 } });
    expect(report.partitions[0]).toMatchObject({
      missingRanges: [{ first: 7, last: 7 }],
      doubledRanges: [{ first: 9, last: 9 }],
    });
    expect(report.partitions[1]).toMatchObject({ missing: 0, doubled: 0 });
  });

  it('an offset that is stored and quarantined as well is doubled', async () => {
    await its.clickhouse.command(
      `INSERT INTO audit_quarantine (kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, reason)
       SELECT kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp, 'invalid' FROM audit_events WHERE ${AT} 11`,
    );
    const { partitions } = await verified(its);
    expect(partitions[0]?.doubledRanges).toContainEqual({ first: 11, last: 11 });
  });

  it('since a time: what came before is not looked at', async () => {
    const report = await verified(its, { since: new Date(Date.now() + 60_000) });
    expect(report).toMatchObject({
      sound: true,
      totals: { stored: 0, missing: 0, notConsumed: 0 },
    });
  });

  it('what is behind the committed offset is not yet consumed', async () => {
    const other = await scene({ partitions: 1 });
    await other.produce(messages(5, 1));
    expect(await verified(other)).toMatchObject({
      sound: true,
      totals: { stored: 0, missing: 0, notConsumed: 5 },
    });
  });
});

describe('R-DLV-05: offsets without a message, and messages that outlived their retention', () => {
  afterEach(closeScenes);

  it('control records and aborted transactions are not missing; a lost one among them is', async () => {
    const its = await scene({ partitions: 1 });
    its.worker();
    const producer = new kafkajs.Kafka({
      brokers: [...inject('brokers')],
      logLevel: kafkajs.logLevel.NOTHING,
    }).producer({ transactionalId: its.topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    for (const ends of ['commit', 'abort', 'commit', 'abort'] as const) {
      const transaction = await producer.transaction();
      const values = Array.from({ length: 5 }, () => ({ value: wireRow(), partition: 0 }));
      await transaction.send({ topic: its.topic, messages: values });
      await transaction[ends]();
    }
    await producer.disconnect();
    await its.produce(messages(3, 1));
    await until(
      'all is committed',
      () => its.committed(),
      ([offset]) => offset === 27,
    );
    expect(await verified(its, { deep: true })).toMatchObject({
      sound: true,
      totals: { stored: 13, noMessage: 14, missing: 0 },
    });
    await tamper(its, `audit_events DELETE WHERE ${AT} 13`);
    expect(await verified(its)).toMatchObject({
      sound: false,
      totals: { noMessage: 14, missing: 1 },
      partitions: [{ missingRanges: [{ first: 13, last: 13 }] }],
    });
  });

  it('an event that its class no longer keeps has expired, and is not missing', async () => {
    const its = await scene({ partitions: 1 });
    its.worker();
    const fiveDaysAgo = new Date(Date.now() - 5 * 86_400_000).toISOString();
    await its.produce([...messages(4, 1), { value: wireRow({ occurred_at: fiveDaysAgo }) }]);
    await its.judgeWhenCommitted();
    await applyRetention(its.clickhouse, { standard: 3 });
    await tamper(its, `audit_events DELETE WHERE occurred_at < now() - INTERVAL 4 DAY`);
    expect(await verified(its)).toMatchObject({
      sound: true,
      totals: { stored: 4, expired: 1, missing: 0 },
    });
  });

  it('while expiry is stopped, what was over before has expired, and what is over since then is missing', async () => {
    const its = await scene({ partitions: 1 });
    its.worker();
    const threeDaysAgo = (moreMs: number): string =>
      new Date(Date.now() - 3 * 86_400_000 - moreMs).toISOString();
    await its.produce([
      ...messages(2, 1),
      { value: wireRow({ occurred_at: threeDaysAgo(60_000) }) },
    ]);
    await its.judgeWhenCommitted();
    await applyRetention(its.clickhouse, { standard: 3 });
    await tamper(its, `audit_events DELETE WHERE ${AT} 2`);
    await setCleanup(its.clickhouse, false);
    await until(
      'a second has passed since expiry was stopped',
      () =>
        its.clickhouse.query<{ ago: string }>(
          "SELECT now() - metadata_modification_time AS ago FROM system.tables WHERE database = currentDatabase() AND name = 'audit_events'",
        ),
      ([row]) => Number(row?.ago) > 1,
    );
    // Their days are over as soon as they come; nothing drops them, so that they are taken.
    await its.produce([
      { value: wireRow({ occurred_at: threeDaysAgo(0) }) },
      { value: wireRow({ occurred_at: threeDaysAgo(0) }) },
    ]);
    await its.judgeWhenCommitted();
    const all = { stored: 4, expired: 1, missing: 0 };
    expect(await verified(its)).toMatchObject({ sound: true, totals: all });
    await tamper(its, `audit_events DELETE WHERE ${AT} 4`);
    expect(await verified(its)).toMatchObject({
      sound: false,
      totals: { stored: 3, expired: 1, missing: 1 },
      partitions: [{ missingRanges: [{ first: 4, last: 4 }] }],
    });
    // However late it is altered: since when expiry is stopped stands in it.
    const { classes } = await readRetentionState(its.clickhouse);
    const anHourAgo = new Date(Date.now() - 3_600_000).toISOString();
    const expiry = expiryExpression({ classes, cleanup: false, stoppedAt: anHourAgo });
    await its.clickhouse.command(`ALTER TABLE audit_events MODIFY TTL ${expiry}`);
    expect(await verified(its)).toMatchObject({
      sound: false,
      totals: { stored: 3, expired: 0, missing: 2 },
    });
    // From here on the table may drop them.
    await setCleanup(its.clickhouse, true);
    expect(await verified(its)).toMatchObject({ sound: true, totals: { missing: 0 } });
    // What it dropped by the days of now is not missing by those of later.
    await applyRetention(its.clickhouse, { standard: 365 });
    expect(await verified(its)).toMatchObject({ sound: true, totals: { missing: 0 } });
  });

  it('a topic that was made again is another log: the rows of the old one are told apart', async () => {
    const its = await scene({ partitions: 1 });
    const worker = its.worker();
    await its.produce(messages(6, 1));
    await its.judgeWhenCommitted();
    worker.kill('SIGKILL');
    await worker.exited;
    const admin = new kafkajs.Kafka({
      brokers: [...inject('brokers')],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [its.topic] });
    await until(
      'the topic is gone',
      () => admin.listTopics(),
      (topics) => !topics.includes(its.topic),
    );
    await admin.disconnect();
    await createTopic({ brokers: inject('brokers'), topic: its.topic }, { partitions: 1 });
    const report = await verified(its);
    expect(report).toMatchObject({
      pastTopics: [{ stored: 6, doubled: 0 }],
      totals: { stored: 0 },
    });
    await its.clickhouse.command(
      `INSERT INTO audit_events SELECT * FROM audit_events WHERE ${AT} 2`,
    );
    expect(await verified(its)).toMatchObject({ sound: false, totals: { doubled: 1 } });
  });
});

describe('R-DLV-05: producers number their events, and report what they lost', () => {
  afterEach(closeScenes);

  it('a gap that the counters explain is lost before Kafka; one that nobody explains is a fault', async () => {
    const its = await scene({ partitions: 1 });
    its.worker();
    const [told, silent] = [randomUUID(), randomUUID()];
    const numbered = (producer_id: string, producer_seq: number, fields = {}) => ({
      value: wireRow({ producer_id, producer_seq, ...fields }),
    });
    const counters = {
      event_type: 'ledger.counters.reported',
      category: 'ledger',
      operation: 'create',
      retention_class: 'protected',
      data: {
        occasion: 'close',
        since: new Date().toISOString(),
        lastSeq: 6,
        emitted: 9,
        accepted: 5,
        stored: 4,
        pending: 0,
        notStored: { app: { queue_full: 1, abandoned: 1, sampled_out: 3 } },
      },
    };
    await its.produce([
      ...[1, 2, 4, 5].map((seq) => numbered(told, seq)),
      numbered(told, 7, counters),
      ...[1, 2, 5].map((seq) => numbered(silent, seq)),
    ]);
    await its.judgeWhenCommitted();
    const { producers, sound } = await verified(its);
    expect(sound).toBe(false);
    expect(producers).toMatchObject({
      producers: 2,
      expected: 12,
      present: 8,
      lost: { queue_full: 1, abandoned: 1 },
      unexplained: 2,
      gaps: [{ producerId: silent, unexplained: 2, absent: [{ first: 3, last: 4 }] }],
    });
    // What came to quarantine came: its number is there.
    await its.produce([
      numbered(silent, 3, { operation: 'sing' }),
      numbered(silent, 4, { actor_id: '' }),
    ]);
    await its.judgeWhenCommitted();
    expect(await verified(its)).toMatchObject({ sound: true, totals: { quarantined: 2 } });
    // Their bodies are gone after an erasure, and their numbers are not.
    await erase(its.clickhouse, { identifiers: ['sing', 'invalid'], tenant: EVERY_TENANT });
    await erase(its.clickhouse, { identifiers: [silent], tenant: EVERY_TENANT });
    const [bodies] = await its.clickhouse.query<{ left: string }>(
      'SELECT sum(length(message)) AS left FROM audit_quarantine',
    );
    expect(bodies?.left).toBe('0');
    expect(await verified(its, { deep: true })).toMatchObject({
      sound: true,
      producers: { unexplained: 0, lost: { queue_full: 1, abandoned: 1 } },
      totals: { quarantined: 2, altered: 0 },
    });
  });
});
