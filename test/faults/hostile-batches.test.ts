/**
 * R-DLV-02, R-DLV-03: record batches as no honest producer writes them, which the broker takes all the same. Each
 * of their offsets is accounted for once, their neighbours are stored, and the worker stays within its memory.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gzipBomb, lz4Bomb, zstdBomb } from '../support/bombs.ts';
import { openRawProducer, type RawProducer } from '../support/raw-produce.ts';
import { recordBatch, recordBytes } from '../support/record-batch.ts';
import { useStage } from '../support/stage.ts';
import type { Scene } from '../support/scene.ts';
import { messages, wireRow } from '../support/wire-row.ts';

const stage = useStage();

/** What a worker may take at full rate: docs/operations.md, "Sizing". */
const MAX_RSS_MIB = 300;

async function openRaw({ place, topic }: Scene): Promise<RawProducer> {
  const raw = await openRawProducer(place.brokers, topic);
  stage.atEnd(() => raw.close());
  return raw;
}

/** The most memory that a process has held at once. */
function peakRssMib(pid: number): number {
  const [, kib = ''] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** What the quarantine says of each offset of partition 0. */
const quarantined = (its: Scene): Promise<{ offset: string; reason: string; bytes: string }[]> =>
  its.clickhouse.query(
    `SELECT kafka_offset AS offset, reason, length(message) AS bytes FROM audit_quarantine
     WHERE kafka_topic = {topic:String} AND kafka_partition = 0 ORDER BY kafka_offset`,
    { params: { topic: its.topic } },
  );

describe('a compressed batch that grows to hundreds of megabytes', () => {
  it('is not unpacked: a worker stays within its memory, and stores what lies around it', async () => {
    const its = await stage.scene({ partitions: 1 });
    const raw = await openRaw(its);
    await its.produce(messages(20, 1));
    for (const bomb of [await gzipBomb(400), zstdBomb(1_200), lz4Bomb(200)]) {
      await raw.produce(0, bomb);
      await its.produce(messages(20, 1));
    }
    const worker = its.worker();
    // What was sent raw was not written down: all but its contents is compared.
    expect(await its.judgeWhenCommitted(60_000)).toMatchObject({
      produced: 83,
      stored: 80,
      quarantined: 3,
      missing: [],
      doubled: [],
    });
    expect(await quarantined(its)).toEqual([
      { offset: '20', reason: 'too_large', bytes: '0' },
      { offset: '41', reason: 'too_large', bytes: '0' },
      { offset: '62', reason: 'too_large', bytes: '0' },
    ]);
    expect(peakRssMib(worker.pid)).toBeLessThan(MAX_RSS_MIB);
  });
});

describe('timestamps that are no dates', () => {
  const MOST = 2n ** 63n - 1n;
  const LEAST = -(2n ** 63n);
  const one = (value: string | null, timestamp: bigint, timestampDelta = 0n): Buffer =>
    recordBatch(
      recordBytes({
        offsetDelta: 0,
        timestampDelta,
        value: value === null ? null : Buffer.from(value),
      }),
      { count: 1, timestamp },
    );

  it('hold nothing up: rows and bad messages get the nearest date', async () => {
    const its = await stage.scene({
      partitions: 1,
      topicConfig: {
        'message.timestamp.after.max.ms': String(MOST),
        'message.timestamp.before.max.ms': String(MOST),
      },
    });
    const raw = await openRaw(its);
    for (const [timestamp, delta] of [[-1n], [0n], [MOST], [LEAST], [MOST, 10n]] as const) {
      await raw.produce(0, one(null, timestamp, delta));
      await raw.produce(0, one(wireRow(), timestamp, delta));
    }
    await its.produce(messages(10, 1));
    its.worker();
    expect(await its.judgeWhenCommitted()).toMatchObject({
      stored: 15,
      quarantined: 5,
      missing: [],
      doubled: [],
    });
    for (const table of ['audit_quarantine', 'audit_events']) {
      const times = await its.clickhouse.query<{ at: string }>(
        `SELECT toString(kafka_timestamp) AS at FROM ${table} WHERE kafka_offset < 10 ORDER BY kafka_offset`,
      );
      expect(times.map(({ at }) => at)).toEqual([
        '1969-12-31 23:59:59.999',
        '1970-01-01 00:00:00.000',
        '9999-12-31 23:59:59.999',
        '0000-01-01 00:00:00.000',
        '9999-12-31 23:59:59.999',
      ]);
    }
  });
});

describe('a batch whose records bear other offsets than its own', () => {
  const forged = (...deltas: number[]): Buffer =>
    recordBatch(
      Buffer.concat(
        deltas.map((offsetDelta) => recordBytes({ offsetDelta, value: Buffer.from(wireRow()) })),
      ),
      { count: deltas.length },
    );

  // Kafka 4.1 counts the records of a plain batch, and does not look at their offsets.
  it.each([
    ['far ahead: what comes there is not skipped', [0, 50]],
    ['the same twice', [0, 0]],
    ['in another order', [1, 0]],
  ])('%s', async (_, deltas) => {
    const its = await stage.scene({ partitions: 1 });
    const raw = await openRaw(its);
    its.worker();
    await its.produce(messages(10, 1));
    expect(await raw.produce(0, forged(...deltas))).toBe(10);
    // The batch is the last of a fetch: whoever believes it waits at another offset now.
    await its.judgeWhenCommitted();
    await its.produce(messages(100, 1));
    expect(await its.judgeWhenCommitted()).toMatchObject({
      produced: 112,
      stored: 110,
      quarantined: 2,
      missing: [],
      doubled: [],
    });
    expect(await quarantined(its)).toEqual([
      { offset: '10', reason: 'unreadable', bytes: '0' },
      { offset: '11', reason: 'unreadable', bytes: '0' },
    ]);
  });
});
