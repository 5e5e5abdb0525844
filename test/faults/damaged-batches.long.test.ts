/**
 * R-DLV-01: what Kafka gives out otherwise than it took it is neither stored nor skipped. The worker stops, says
 * which offsets and what to do, and once the bytes are right again nothing is missing.
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { API } from '../support/kafka-frames.ts';
import { openRawProducer } from '../support/raw-produce.ts';
import { CODEC, recordBatch, recordsWith } from '../support/record-batch.ts';
import { useStage } from '../support/stage.ts';
import { wireRow } from '../support/wire-row.ts';

const stage = useStage();

/** Answers without records end in their length: they are shorter than this. */
const WITHOUT_RECORDS_BYTES = 200;

/** With another byte, counted from the end of the last batch. */
const changed =
  (fromEnd: number, change: (byte: number) => number) =>
  (frame: Buffer): Buffer => {
    if (frame.length < WITHOUT_RECORDS_BYTES) return frame;
    const other = Buffer.from(frame);
    const at = other.length - fromEnd;
    other[at] = change(other[at] ?? 0);
    return other;
  };

const packed = gzipSync(recordsWith(Array.from({ length: 30 }, () => wireRow())));
const batch = recordBatch(packed, { attributes: CODEC.gzip, count: 30 });
const ofBatch = (at: number): number => batch.length - at;

describe('a compressed batch that comes otherwise than the broker took it', () => {
  it.each([
    { name: 'with another byte', change: changed(1, (byte) => byte ^ 1), says: 'another checksum' },
    {
      name: 'with a length that no batch has',
      change: changed(ofBatch(8), () => 0xff),
      says: 'no length or no offsets',
    },
  ])('$name: the worker stops, and goes on when it comes whole', async ({ change, says }) => {
    const its = await stage.scene({ partitions: 1 });
    const raw = await openRawProducer(its.place.brokers, its.topic);
    stage.atEnd(() => raw.close());
    await raw.produce(0, batch);
    const proxy = await stage.proxy();
    proxy.always(API.fetch, { changed: change });
    const worker = its.worker({}, { brokers: [proxy.address] });
    expect(await worker.exited).toMatchObject({ code: 1 });
    expect(worker.log()).toContain('KAFKA_BATCH_CORRUPT');
    expect(worker.log()).toContain(says);
    expect(await its.committed()).toEqual([-1]);
    its.worker();
    expect(await its.judgeWhenCommitted()).toMatchObject({
      produced: 30,
      stored: 30,
      missing: [],
      doubled: [],
    });
  });
});

describe('a batch in a compression of a later Kafka', () => {
  it('waits for a worker that knows it', async () => {
    const its = await stage.scene({ partitions: 1 });
    const raw = await openRawProducer(its.place.brokers, its.topic);
    stage.atEnd(() => raw.close());
    const proxy = await stage.proxy();
    const later = recordBatch(packed, { attributes: 6, count: 30 });
    proxy.always(API.fetch, {
      changed: (frame) =>
        frame.length < WITHOUT_RECORDS_BYTES
          ? frame
          : Buffer.concat([frame.subarray(0, frame.length - later.length), later]),
    });
    await raw.produce(0, batch);
    const worker = its.worker({}, { brokers: [proxy.address] });
    expect(await worker.exited).toMatchObject({ code: 1 });
    expect(worker.log()).toContain('KAFKA_BATCH_UNKNOWN');
    its.worker();
    expect(await its.judgeWhenCommitted()).toMatchObject({ produced: 30, stored: 30, missing: [] });
  });
});
