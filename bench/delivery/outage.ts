import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { migrate, openClickHouse } from '../../clickhouse/index.ts';
import { startEngine } from '../../local/engine.ts';
import { startKafka } from '../../local/kafka.ts';
import { storedRows } from '../pipeline/check.ts';
import { fillTopic } from '../pipeline/topic.ts';
import { peakRssMb } from '../process-usage.ts';
import { progress, rounded, withFolder } from '../stack.ts';
import { checkAll, PARTITIONS } from './paced.ts';
import { startWorker } from './worker.ts';

const NAME = 'bench_outage';
const POLL_MS = 100;
const BEGINS_WITHIN_MS = 60_000;
const DRAIN_MS = 600_000;

export interface OutageFigures {
  /** The most memory that the worker has held: before, while ClickHouse was away, and draining. */
  readonly outagePeakRssMb: number;
  readonly outagePeakRssMbWhileAway: number;
  readonly outageSeconds: number;
  readonly outageDrainSeconds: number;
}

/**
 * A worker amid a backlog loses ClickHouse by SIGKILL, finds more in Kafka than it may hold, and gets
 * ClickHouse back. In the end every message has to be there once.
 */
export function measureOutage(seconds: number, events: number): Promise<OutageFigures> {
  return withFolder(async (folder) => {
    const kafka = await startKafka({ dataDir: join(folder, 'kafka'), compiler: 'optimizing' });
    const dataDir = join(folder, 'clickhouse');
    let engine = await startEngine({ dataDir });
    const { port, url } = engine;
    const clickhouse = openClickHouse({ url, database: NAME });
    try {
      await migrate(clickhouse);
      const filled = await fillTopic(kafka.brokers, events, PARTITIONS);
      const worker = await startWorker({
        brokers: kafka.brokers,
        topic: filled.topic,
        group: NAME,
        clickhouseUrl: url,
        database: NAME,
      });
      const pid = worker.pid ?? 0;
      try {
        await Promise.race([untilStoring(() => storedRows(clickhouse)), worker.failed]);
        progress(`ClickHouse is away for ${seconds} s …`);
        engine.kill('SIGKILL');
        await engine.exited;
        await Promise.race([delay(seconds * 1_000), worker.failed]);
        const away = peakRssMb(pid);
        progress(`ClickHouse is back; the worker has held ${rounded(away)} MiB`);
        engine = await startEngine({ dataDir, port });
        const began = performance.now();
        await Promise.race([checkAll(clickhouse, events, DRAIN_MS), worker.failed]);
        return {
          outagePeakRssMb: rounded(peakRssMb(pid)),
          outagePeakRssMbWhileAway: rounded(away),
          outageSeconds: seconds,
          outageDrainSeconds: rounded((performance.now() - began) / 1_000, 1),
        };
      } finally {
        await worker.stop();
      }
    } finally {
      await clickhouse.close();
      await engine.stop();
      await kafka.stop();
    }
  });
}

async function untilStoring(rows: () => Promise<number>): Promise<void> {
  const deadline = performance.now() + BEGINS_WITHIN_MS;
  while ((await rows()) === 0) {
    if (performance.now() > deadline) throw new Error('the worker stored nothing');
    await delay(POLL_MS);
  }
}
