/**
 * Rebuilds the ledger's table from Kafka: what Kafka holds is read with a group of its own, under the same
 * protocol as ever; everything else, and what was erased, is copied from the old table. Each step can be
 * killed and run again. docs/rebuild.md tells it in words.
 */
import type { Logger } from 'pino';
import type { ClickHouse } from '../../clickhouse/index.ts';
import type { WorkerConfig } from '../config.ts';
import { encodeIdle } from '../intent.ts';
import type { KafkaOptions } from '../kafka.ts';
import { LEDGER_TABLE } from '../ledger-sink.ts';
import { describeTopic, type TopicFacts } from '../topic.ts';
import { TopicLog } from '../verify/topic-log.ts';
import { WorkerError } from '../worker-error.ts';
import { copyWhatIsNotRead, copyWholePartitions } from './copy.ts';
import { GroupOffsets } from './group-offsets.ts';
import { readInto } from './read.ts';
import type { RebuildRecord } from './record.ts';
import { assertTableName, createLike, recordOf, remember, whenQuiet } from './tables.ts';

export type RebuildStep = 'copying' | 'reading' | 'waiting' | 'comparing';

export interface RebuildOptions {
  readonly config: WorkerConfig;
  readonly clickhouse: ClickHouse;
  /** The table to fill; made when missing, gone on with when a rebuild has begun it. */
  readonly table: string;
  readonly log: Logger;
  /** Ends it early; run again, it goes on. */
  readonly signal: AbortSignal;
  /** Hears how far a step is, in rows or offsets. */
  readonly onProgress: (step: RebuildStep, done: number, total: number) => void;
}

export interface Rebuilding extends RebuildOptions {
  /** What Kafka took before is copied and not read. Default: all that Kafka holds is read. */
  readonly since?: Date | undefined;
  /** Before anything is written; `resumed` when an earlier run had begun it. */
  readonly onStart: (record: RebuildRecord, resumed: boolean) => Promise<void>;
}

export interface Rebuilt {
  readonly table: string;
  readonly resumed: boolean;
  readonly copiedPartitions: number;
  readonly copiedRows: number;
  /** It holds all that the topic held a moment ago; else it was ended early. */
  readonly caughtUp: boolean;
}

const KAFKA_DEADLINE_MS = 5_000;

export const kafkaOptions = ({ kafka }: WorkerConfig): KafkaOptions => ({
  ...kafka,
  clientId: 'ledgerline-rebuild',
  connectionTimeoutMs: 3_000,
  requestTimeoutMs: 15_000,
});

/**
 * Fills a table until it has caught up with the topic. Workers go on meanwhile; `swap` puts it in the
 * ledger's place.
 *
 * @throws WorkerError REBUILD_REFUSED, KAFKA_UNREACHABLE, KAFKA_TOPIC_MISSING, …; ClickHouseError
 */
export async function rebuild(options: Rebuilding): Promise<Rebuilt> {
  const { config, clickhouse, table, since, signal, onProgress, log } = options;
  assertTableName(table);
  assertOneNode(clickhouse);
  const kafka = kafkaOptions(config);
  const facts = await describeTopic(kafka, KAFKA_DEADLINE_MS);
  const found = await recordOf(clickhouse, table);
  if (found?.kind === 'replaced') {
    throw new WorkerError('REBUILD_REFUSED', `The table ${table} is a ledger that was replaced.`, {
      hint: 'Name another table with --into; drop this one with `ledgerline rebuild drop` when nobody needs it.',
    });
  }
  if (found?.step === 'fenced') {
    throw new WorkerError('REBUILD_REFUSED', `The table ${table} is being swapped.`, {
      hint: `Run \`ledgerline rebuild swap ${table}\` again: it ends what was begun.`,
    });
  }
  let record = found ?? (await newRecord(kafka, facts, table, since));
  assertSameTopic(record, kafka, facts);
  await options.onStart(record, found !== undefined);
  if (!found) {
    await createLike(clickhouse, table);
    await remember(clickhouse, table, record);
  }
  await whenQuiet(clickhouse, table);
  let copiedPartitions = 0;
  let copiedRows = 0;
  if (record.step === 'copying') {
    const pair = { old: LEDGER_TABLE, fresh: table };
    copiedPartitions = await copyWholePartitions(clickhouse, pair, record);
    copiedRows = await copyWhatIsNotRead(clickhouse, pair, record, (done, total) => {
      signal.throwIfAborted();
      onProgress('copying', done, total);
    });
    await beginAt(kafka, record);
    record = { ...record, step: 'reading' };
    await remember(clickhouse, table, record);
  }
  const caughtUp = await readInto({
    config,
    kafka,
    table,
    record,
    log,
    signal,
    onRead: (done, total) => onProgress('reading', done, total),
  });
  return { table, resumed: found !== undefined, copiedPartitions, copiedRows, caughtUp };
}

async function newRecord(
  kafka: KafkaOptions,
  { topicId, partitions }: TopicFacts,
  table: string,
  since: Date | undefined,
): Promise<RebuildRecord> {
  let starts = partitions.map(({ low }) => low);
  if (since) {
    const log = await TopicLog.open(kafka);
    try {
      const first = await log.firstSince(
        partitions.map(({ partition }) => partition),
        since.getTime(),
      );
      starts = partitions.map(({ partition, low, high }) =>
        Math.max(low, first.get(partition) ?? high),
      );
    } finally {
      await log.close();
    }
  }
  const startedAt = new Date().toISOString();
  return {
    kind: 'rebuild',
    table,
    topic: kafka.topic,
    topicId,
    // A table of the same name that was dropped has left its group's offsets behind.
    group: `${kafka.group}.rebuild.${table}.${Date.parse(startedAt).toString(36)}`,
    workers: kafka.group,
    starts,
    startedAt,
    step: 'copying',
  };
}

/** The rebuild's own group reads from the offsets that its copy ends at. */
async function beginAt(kafka: KafkaOptions, record: RebuildRecord): Promise<void> {
  const offsets = await GroupOffsets.open({ ...kafka, group: record.group });
  try {
    const metadata = encodeIdle(record.topicId);
    await offsets.write(
      record.starts.map((offset, partition) => ({ partition, offset, metadata })),
      false,
    );
  } finally {
    await offsets.close();
  }
}

export function assertOneNode({ cluster }: ClickHouse): void {
  if (cluster === undefined) return;
  throw new WorkerError(
    'REBUILD_REFUSED',
    'The ledger’s tables are spread over a cluster: their exchange would not be one step.',
    { hint: 'Restore a backup instead: docs/rebuild.md, "On a cluster".' },
  );
}

export function assertSameTopic(
  record: RebuildRecord,
  kafka: KafkaOptions,
  { topicId, partitions }: TopicFacts,
): void {
  const same =
    record.topic === kafka.topic &&
    record.topicId === topicId &&
    record.workers === kafka.group &&
    record.starts.length === partitions.length;
  if (same) return;
  throw new WorkerError(
    'REBUILD_REFUSED',
    `The rebuild was begun for another log or group than ${kafka.topic}, ${kafka.group}: the topic has been made again, has got partitions, or the configuration has changed.`,
    { hint: 'Drop its table with `ledgerline rebuild drop`, and begin again.' },
  );
}
