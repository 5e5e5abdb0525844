/** Reads the topic into the new table with a worker of the rebuild's own group, as far as it is told. */
import type { Logger } from 'pino';
import { pause } from '../backoff.ts';
import type { WorkerConfig } from '../config.ts';
import type { KafkaOptions } from '../kafka.ts';
import { describeTopic, type PartitionBounds } from '../topic.ts';
import { startWorker } from '../worker.ts';
import { RebuildSink } from './rebuild-sink.ts';
import type { RebuildRecord } from './record.ts';

const POLL_MS = 500;
const KAFKA_DEADLINE_MS = 10_000;
/** Who has caught up in less than this has caught up with what comes meanwhile, too. */
const CLOSE_MS = 20_000;

export interface Reading {
  readonly config: WorkerConfig;
  readonly kafka: KafkaOptions;
  readonly table: string;
  readonly record: RebuildRecord;
  readonly log: Logger;
  /** Offsets up to which, not including, each partition is read; `undefined`: until it has caught up. */
  readonly until?: ReadonlyMap<number, number>;
  readonly signal: AbortSignal;
  readonly onRead: (done: number, total: number) => void;
}

/** @returns whether it came so far; `false` when the signal came first */
export async function readInto(reading: Reading): Promise<boolean> {
  const { config, kafka, table, record, until, signal, onRead } = reading;
  const ask = (): Promise<readonly PartitionBounds[]> =>
    describeTopic({ ...kafka, group: record.group }, KAFKA_DEADLINE_MS).then(
      ({ partitions }) => partitions,
    );
  let bounds = await ask();
  let target = until ?? highsOf(bounds);
  if (until && leftOf(bounds, target) === 0) return true;
  const worker = await startWorker(
    {
      ...config,
      kafka: { ...config.kafka, group: record.group },
      // What Kafka deletes meanwhile is copied from the old table before the swap.
      acceptLoss: 'retention',
      http: undefined,
      deadLetterTopic: undefined,
    },
    reading.log,
    undefined,
    (clickhouse) => new RebuildSink(clickhouse, table),
  );
  const ended = worker.done.then(() => 'stopped' as const);
  ended.catch(() => undefined);
  try {
    const started = leftOf(bounds, target);
    let since = Date.now();
    while (!signal.aborted) {
      const left = leftOf(bounds, target);
      onRead(Math.max(0, started - left), started);
      if (left === 0) {
        if (until || Date.now() - since < CLOSE_MS) return true;
        target = highsOf(bounds);
        since = Date.now();
      }
      // A worker that stops by itself says why: its error is the rebuild's.
      await Promise.race([pause(POLL_MS, signal), ended]);
      bounds = await ask();
    }
    return false;
  } finally {
    await worker.stop();
  }
}

const highsOf = (bounds: readonly PartitionBounds[]): ReadonlyMap<number, number> =>
  new Map(bounds.map(({ partition, high }) => [partition, high]));

const leftOf = (bounds: readonly PartitionBounds[], target: ReadonlyMap<number, number>): number =>
  bounds.reduce(
    (sum, { partition, committed, low }) =>
      sum + Math.max(0, (target.get(partition) ?? 0) - Math.max(low, committed ?? low)),
    0,
  );
