import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { createLedger } from '../../producers/index.ts';
import { openScene, wireRow } from '../support/scene.ts';
import { catalog, lineLogger, update } from '../producers/catalog.ts';

const brokers = inject('brokers');
const clickhouseUrl = inject('clickhouseUrl');

describe('R-DLV-01: compressed messages are stored like any other', () => {
  // The broker compresses what it is sent, with the same Java libraries as Java's producers.
  test.each(['gzip', 'snappy', 'lz4', 'zstd'])('%s, as Java compresses it', async (type) => {
    const scene = await openScene({
      brokers,
      clickhouseUrl,
      partitions: 1,
      topicConfig: { 'compression.type': type },
    });
    onTestFinished(() => scene.close());
    // Large enough for several of the blocks in which snappy and lz4 work, and still one batch for the topic.
    const long = { message: `${type} `.repeat(400) };
    await scene.produce(Array.from({ length: 200 }, () => ({ value: wireRow(long) })));
    const worker = scene.worker();
    expect(await scene.judgeWhenCommitted()).toMatchObject({
      produced: 200,
      stored: 200,
      missing: [],
    });
    worker.kill('SIGTERM');
    await worker.exited;
  });

  test.each(['gzip', 'lz4'] as const)('%s, as the producer compresses it', async (compression) => {
    const scene = await openScene({ brokers, clickhouseUrl });
    onTestFinished(() => scene.close());
    const ledger = createLedger({
      service: 'panel',
      catalog,
      kafka: { brokers },
      topic: scene.topic,
      compression,
      reportIntervalMs: false,
      logger: lineLogger(),
    });
    for (let n = 0; n < 400; n += 1) ledger.emit('app.env_var.updated', update(n));
    expect(await ledger.close()).toEqual({ complete: true, left: 0 });
    const worker = scene.worker();
    expect(await scene.judgeWhenCommitted()).toMatchObject({
      produced: 400,
      stored: 400,
      missing: [],
      doubled: [],
    });
    worker.kill('SIGTERM');
    await worker.exited;
  });
});
