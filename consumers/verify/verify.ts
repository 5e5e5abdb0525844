/**
 * Proves that every offset the broker holds is stored once, quarantined once, or accounted for otherwise:
 * without a message, outlived, not yet consumed. docs/verify.md says what each word means.
 */
import { type ClickHouse, readRetentionState, storedIn } from '../../clickhouse/index.ts';
import type { KafkaOptions } from '../kafka.ts';
import { LEDGER_TABLE, QUARANTINE_TABLE } from '../ledger-sink.ts';
import { describeTopic, type PartitionBounds } from '../topic.ts';
import { WorkerError } from '../worker-error.ts';
import { explainAbsences, type KeptFor } from './absences.ts';
import { compareContents } from './contents.ts';
import { doubledRanges } from './faulty-offsets.ts';
import { partitionReport, pastTopics, settledTo, sumOf } from './findings.ts';
import type { PartitionContents, PartitionReport, VerifyReport } from './report.ts';
import { ScratchTable } from './scratch-table.ts';
import { accountForSequences } from './sequences.ts';
import { type Comparison, countOffsets, countReasons } from './stored-offsets.ts';
import { TopicLog } from './topic-log.ts';

export type VerifyStep = 'offsets' | 'absences' | 'producers' | 'contents';

export interface VerifyOptions {
  readonly kafka: Pick<KafkaOptions, 'brokers' | 'topic' | 'group'> & Partial<KafkaOptions>;
  readonly clickhouse: ClickHouse;
  /** Only offsets whose messages Kafka took at this time or later. Default: all there are. */
  readonly since?: Date | undefined;
  /** Whether contents are compared, too: reads everything that Kafka holds. Default `false`. */
  readonly deep?: boolean | undefined;
  /** Deadline of each question to ClickHouse. Default 600,000 ms. */
  readonly timeoutMs?: number | undefined;
  /** Hears how far it is: `done` of `total` offsets of this step. */
  readonly onProgress?: ((step: VerifyStep, done: number, total: number) => void) | undefined;
  /** Ends it early: `verify` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const DAY_MS = 86_400_000;
const KAFKA_DEADLINE_MS = 5_000;
const SHOWN_RANGES = 10;
const DEFAULT_TIMEOUT_MS = 600_000;

/**
 * Compares what the broker holds with what the ledger holds. Workers may run meanwhile: what they have
 * stored and not yet committed counts as stored. Only reads, but for a scratch table that `deep` makes in the
 * engine's memory and drops again.
 *
 * @throws WorkerError KAFKA_UNREACHABLE, KAFKA_TOPIC_MISSING, KAFKA_TOPIC_RECREATED (while it ran);
 *   ClickHouseUnreachable, ClickHouseError
 * @example
 * const report = await verify({ kafka: { brokers: ['127.0.0.1:9092'], topic: 'audit.events', group: 'ledgerline' }, clickhouse });
 * if (!report.sound) process.exitCode = 1;
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const { clickhouse, since, deep = false, signal } = options;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const onProgress = options.onProgress ?? (() => undefined);
  const kafka: KafkaOptions = {
    clientId: 'ledgerline-verify',
    connectionTimeoutMs: 3_000,
    requestTimeoutMs: 10_000,
    ...options.kafka,
  };
  const { topic, group } = kafka;
  const facts = await describeTopic(kafka, KAFKA_DEADLINE_MS);
  const { topicId } = facts;
  const log = await TopicLog.open(kafka);
  try {
    const starts = await startsOf(log, facts.partitions, since);
    const comparison: Comparison = {
      topic,
      topicId,
      bounds: facts.partitions.map((bounds) => ({
        partition: bounds.partition,
        from: starts.get(bounds.partition) ?? bounds.low,
        committed: settledTo(bounds),
      })),
      onlyFrom: since !== undefined,
      timeoutMs,
    };
    const total = comparison.bounds.reduce(
      (sum, { from, committed }) => sum + Math.max(0, committed - from),
      0,
    );
    onProgress('offsets', 0, total);
    const counts = await countOffsets(clickhouse, comparison);
    const quarantinedByReason = await countReasons(clickhouse, comparison);
    onProgress('offsets', total, total);
    signal?.throwIfAborted();

    const kept = await keptFor(clickhouse);
    const scratch = deep ? await ScratchTable.make(clickhouse) : undefined;
    const partitions: PartitionReport[] = [];
    let read = 0;
    let examined = 0;
    try {
      for (const bounds of facts.partitions) {
        const { partition, low } = bounds;
        const from = starts.get(partition) ?? low;
        const committed = settledTo(bounds);
        const searched = { topicId, partition, from, to: committed, timeoutMs };
        const found = partitionReport(bounds, from, topicId, counts);
        const absences =
          found.absent === 0
            ? { lost: 0, expired: 0, noMessage: 0, ranges: [] }
            : await explainAbsences(clickhouse, log, searched, kept, SHOWN_RANGES, (offsets) => {
                signal?.throwIfAborted();
                examined += offsets;
                onProgress('absences', examined, total);
              });
        const doubled =
          found.doubled === 0
            ? []
            : await doubledRanges(
                clickhouse,
                { ...searched, from: since ? from : 0, to: Number.MAX_SAFE_INTEGER },
                SHOWN_RANGES,
              );
        let contents: PartitionContents | null = null;
        if (scratch) {
          contents = await compareContents(clickhouse, log, scratch, {
            origin: { topic, topicId, partition },
            from: Math.max(from, low),
            to: committed,
            timeoutMs,
            onRead: (offsets) => {
              signal?.throwIfAborted();
              read += offsets;
              onProgress('contents', read, total);
            },
          });
        }
        partitions.push({
          ...found.report,
          missing: absences.lost,
          overtaken: Math.min(absences.lost, found.overtaken),
          expired: absences.expired,
          noMessage: absences.noMessage,
          missingRanges: absences.ranges,
          doubledRanges: doubled,
          contents,
        });
      }
    } finally {
      await scratch?.drop();
    }
    onProgress('producers', 0, total);
    const notConsumed = sumOf(partitions, 'notConsumed');
    const producers = await accountForSequences(clickhouse, {
      sinceMs: since?.getTime(),
      oldestMs: kept.expiry.nowMs - (kept.shortestDays * DAY_MS) / 2,
      nowMs: kept.nowMs,
      notConsumed,
      timeoutMs,
    });
    await sameTopicStill(kafka, topicId);
    const past = pastTopics(topicId, counts);
    const totals = {
      stored: sumOf(partitions, 'stored'),
      quarantined: sumOf(partitions, 'quarantined'),
      doubled: sumOf(partitions, 'doubled') + past.reduce((sum, { doubled }) => sum + doubled, 0),
      missing: sumOf(partitions, 'missing'),
      expired: sumOf(partitions, 'expired'),
      noMessage: sumOf(partitions, 'noMessage'),
      notConsumed,
      altered: partitions.reduce((sum, { contents }) => sum + (contents?.altered ?? 0), 0),
      erased: partitions.reduce((sum, { contents }) => sum + (contents?.erased ?? 0), 0),
    };
    return {
      topic,
      topicId,
      group,
      since: since?.toISOString() ?? null,
      deep,
      partitions,
      pastTopics: past,
      quarantinedByReason,
      producers,
      totals,
      sound:
        totals.missing === 0 &&
        totals.doubled === 0 &&
        totals.altered === 0 &&
        producers.unexplained === 0,
    };
  } finally {
    await log.close();
  }
}

/** Where each partition's comparison begins. What retention took before it was committed is in question, too. */
async function startsOf(
  log: TopicLog,
  partitions: readonly PartitionBounds[],
  since: Date | undefined,
): Promise<ReadonlyMap<number, number>> {
  const first =
    since &&
    (await log.firstSince(
      partitions.map(({ partition }) => partition),
      since.getTime(),
    ));
  return new Map(
    partitions.map((bounds) => {
      const { partition, low, high, committed = low } = bounds;
      return [
        partition,
        first ? Math.max(low, first.get(partition) ?? high) : Math.min(low, committed),
      ];
    }),
  );
}

/** The longest that stopping expiry takes, on a cluster above all, from when its moment was taken. */
const STOPPING_MS = 120_000;

/**
 * What the tables keep no longer. While expiry is stopped nothing goes that was not over when it was stopped,
 * as its moment in the table's TTL says, and not later than the table was last altered. Where an earlier
 * version has stopped it, the second alone is known.
 */
async function keptFor(
  clickhouse: ClickHouse,
): Promise<KeptFor & { readonly shortestDays: number }> {
  const { classes, cleanup, stoppedAt, expiredBefore = {} } = await readRetentionState(clickhouse);
  const [row] = await clickhouse.query<{ now: string; altered: string; definition: string }>(
    `SELECT toUnixTimestamp64Milli(now64(3)) AS now,
       maxIf(toUnixTimestamp(metadata_modification_time), name = {events:String}) * 1000 AS altered,
       anyIf(engine_full, name = {quarantine:String}) AS definition
     FROM system.tables WHERE database = {database:String} AND name IN ({events:String}, {quarantine:String})`,
    {
      params: {
        database: clickhouse.database,
        events: storedIn(LEDGER_TABLE, clickhouse.cluster),
        quarantine: storedIn(QUARANTINE_TABLE, clickhouse.cluster),
      },
    },
  );
  const nowMs = Number(row?.now);
  const stoppedMs =
    stoppedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(stoppedAt) + STOPPING_MS;
  const days = /TTL .*?toIntervalDay\((\d+)\)/.exec(row?.definition ?? '')?.[1];
  return {
    nowMs,
    expiry: {
      nowMs: cleanup ? nowMs : Math.min(nowMs, Number(row?.altered), stoppedMs),
      daysOf: (name) => classes[name],
    },
    // While expiry is stopped the moment says it more exactly.
    expiredBefore: (name) => (cleanup ? Date.parse(expiredBefore[name] ?? '') : Number.NaN),
    quarantineDays: days === undefined ? Number.POSITIVE_INFINITY : Number(days),
    shortestDays: Math.min(...Object.values(classes)),
  };
}

/** A topic that was made again meanwhile gives its offsets out anew: nothing of the comparison holds. */
async function sameTopicStill(kafka: KafkaOptions, topicId: string): Promise<void> {
  const now = await describeTopic(kafka, KAFKA_DEADLINE_MS);
  if (now.topicId === topicId) return;
  throw new WorkerError(
    'KAFKA_TOPIC_RECREATED',
    `The topic ${kafka.topic} was deleted and made again while it was being verified.`,
    { hint: 'Verify again.' },
  );
}
