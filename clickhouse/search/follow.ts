import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerlineError } from '../../schemas/errors.ts';
import type { AuditEvent } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { asked, type Asked, type AskOptions, callOptions, inTime, whereSql } from './ask.ts';
import { Parameters } from './compile.ts';
import { decodedRows, EVENT_COLUMNS } from './events.ts';

export interface FollowOptions extends AskOptions {
  /** How long to wait before asking again, in milliseconds. Default 1,000. */
  readonly intervalMs?: number;
  /** Where to begin: the positions of {@link storedPositions}. Default: what is stored now. */
  readonly from?: StoredPositions;
  /** Told of an outage, after which it goes on. Without it, an outage ends the following. */
  readonly onTrouble?: (error: LedgerlineError) => void;
}

/** The highest stored offset of each partition of each topic. */
export type StoredPositions = ReadonlyMap<string, PartitionPosition>;

interface PartitionPosition {
  readonly topicId: string;
  readonly partition: number;
  /** A decimal number: offsets have 64 bits. */
  readonly offset: string;
}

/** Events of one answer; what is behind waits for the next. */
const BATCH = 500;
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

/** What the ledger holds at this moment, partition by partition: an aggregate that the table keeps. */
export async function storedPositions(
  clickhouse: ClickHouse,
  options: Pick<AskOptions, 'timeoutMs' | 'signal'>,
): Promise<StoredPositions> {
  const rows = await clickhouse.query<{ topicId: string; partition: number; offset: string }>(
    `SELECT kafka_topic_id AS topicId, kafka_partition AS partition, max(kafka_offset) AS offset
FROM audit_events GROUP BY kafka_topic_id, kafka_partition`,
    callOptions(options, new Parameters()),
  );
  return new Map(rows.map((row) => [`${row.topicId}/${row.partition}`, row]));
}

/**
 * Events of a query as the ledger stores them, until the signal aborts: each once, and none left out,
 * however late it arrives. Told apart by their places in Kafka's log, not by their times: a worker
 * stores a partition in the order of its offsets, so that what lies behind the last one read is new.
 *
 * @throws as `search`, but not for the aborted signal, which ends it
 *
 * @example
 * for await (const event of follow(clickhouse, 'outcome:denied', { tenant: 'acme', signal })) {
 *   console.log(event.type);
 * }
 */
export async function* follow(
  clickhouse: ClickHouse,
  query: string,
  options: FollowOptions,
): AsyncGenerator<AuditEvent, void> {
  const intervalMs = options.intervalMs ?? 1000;
  const { signal } = options;
  const waiting = signal === undefined ? {} : { signal };
  try {
    // A fault in the query is told before the first wait.
    await asked(clickhouse, query, options);
    const seen = new Map(options.from ?? (await positionsNow(clickhouse, options)));
    for (;;) {
      try {
        for (const [name, upTo] of await positionsNow(clickhouse, options)) {
          for (;;) {
            const batch = await nextBatch(clickhouse, query, options, seen.get(name), upTo);
            yield* batch.events;
            seen.set(name, batch.upTo);
            if (batch.upTo.offset === upTo.offset) break;
          }
        }
      } catch (error) {
        const passes = error instanceof LedgerlineError && error.retryable;
        if (!passes || options.onTrouble === undefined) throw error;
        options.onTrouble(error);
      }
      await sleep(intervalMs, undefined, waiting);
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

const positionsNow = (clickhouse: ClickHouse, options: FollowOptions): Promise<StoredPositions> =>
  inTime(options, () => storedPositions(clickhouse, options));

interface Batch {
  readonly events: readonly AuditEvent[];
  /** How far this batch has looked. */
  readonly upTo: PartitionPosition;
}

/** The next events of one partition behind one offset, up to another, in the order of the log. */
async function nextBatch(
  clickhouse: ClickHouse,
  query: string,
  options: FollowOptions,
  last: PartitionPosition | undefined,
  upTo: PartitionPosition,
): Promise<Batch> {
  const behind = last?.offset ?? '-1';
  if (BigInt(behind) >= BigInt(upTo.offset)) return { events: [], upTo };
  return inTime(options, async () => {
    const question = await asked(clickhouse, query, options);
    const offsets = await nextOffsets(clickhouse, question, options, behind, upTo);
    const end = offsets.at(-1);
    if (end === undefined) return { events: [], upTo };
    const params = new Parameters();
    const answer = await clickhouse.stream(
      `SELECT ${EVENT_COLUMNS} FROM audit_events
WHERE ${placeSql(upTo, behind, end, params)} AND kafka_offset IN ${params.bind(offsets.map(BigInt), 'Array(UInt64)')}
ORDER BY kafka_offset LIMIT 1 BY kafka_offset`,
      { ...callOptions(options, params), format: 'JSONEachRow' },
    );
    const { events } = await decodedRows(answer, MAX_BATCH_BYTES);
    const reached = offsets[events.length - 1] ?? end;
    const whole = events.length === offsets.length && offsets.length < BATCH;
    return { events, upTo: whole ? upTo : { ...upTo, offset: reached } };
  });
}

async function nextOffsets(
  clickhouse: ClickHouse,
  question: Asked,
  options: FollowOptions,
  behind: string,
  upTo: PartitionPosition,
): Promise<string[]> {
  const params = new Parameters();
  const rows = await clickhouse.query<{ offset: string }>(
    `SELECT DISTINCT kafka_offset AS offset FROM audit_events
WHERE ${placeSql(upTo, behind, upTo.offset, params)}
  AND ${whereSql(question, params)}
ORDER BY offset LIMIT ${params.bind(BATCH, 'UInt32')}`,
    callOptions(options, params),
  );
  return rows.map(({ offset }) => offset);
}

function placeSql(
  { topicId, partition }: PartitionPosition,
  behind: string,
  upTo: string,
  params: Parameters,
): string {
  return [
    `kafka_topic_id = ${params.bind(topicId, 'UUID')}`,
    `kafka_partition = ${params.bind(partition, 'UInt32')}`,
    `kafka_offset > ${params.bind(behind, 'Int64')}`,
    `kafka_offset <= ${params.bind(upTo, 'UInt64')}`,
  ].join(' AND ');
}
