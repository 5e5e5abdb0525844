/** What the quarantine's commands ask of ClickHouse, and the one thing they add to it. */
import { type ClickHouse, ClickHouseUnreachable } from '../../clickhouse/index.ts';
import { LedgerlineError } from '../../schemas/index.ts';
import { backoffMs, pause } from '../backoff.ts';
import { QUARANTINE_TABLE } from '../ledger-sink.ts';
import { formatMessageId, type MessageId, type Position } from './message-id.ts';
import {
  conditionOf,
  RESOLUTIONS_TABLE,
  resolved,
  type ResolutionState,
  type Selection,
} from './selection.ts';

/** A quarantined message without its body. */
export interface ListedMessage extends Position {
  readonly quarantinedAtMs: number;
  readonly reason: string;
  readonly error: string;
  readonly bytes: number;
  readonly key: string;
  readonly state: ResolutionState;
}

export interface WholeMessage extends ListedMessage {
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly message: Buffer;
}

export interface Resolution {
  readonly state: 'replayed' | 'discarded';
  readonly runId: string;
  readonly resolvedBy: string;
  readonly reason: string;
  readonly eventId: string;
  /** Where Kafka put what was sent; -1 where it did not say, or nothing was sent. */
  readonly replayedTopic: string;
  readonly replayedPartition: number;
  readonly replayedOffset: number;
  /** SHA-256 of the transform; empty for none. */
  readonly transform: string;
}

export interface ReasonCount {
  readonly reason: string;
  readonly open: number;
  readonly replayed: number;
  readonly discarded: number;
  readonly oldestMs: number;
  readonly newestMs: number;
}

/** The messages of one partition of one topic. */
export interface PartitionCount {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly messages: number;
}

const TIMEOUT_MS = 60_000;
/** How long the mark of what was sent is tried for. */
const INSERT_PATIENCE_MS = 30_000;
const NIL = '00000000-0000-0000-0000-000000000000';

const LISTED = `toString(q.kafka_topic) AS topic, toString(q.kafka_topic_id) AS topicId,
  q.kafka_partition AS partition, q.kafka_offset AS offset,
  toUnixTimestamp64Milli(q.quarantined_at) AS quarantinedAtMs, toString(q.reason) AS reason, q.error AS error,
  length(q.message) AS bytes, q.message_key AS key, if(r.state = '', 'open', r.state) AS state`;
/** Filtered before it is joined: both sides have columns of the same names. */
const from = (where: string, resolvedWhere?: string): string =>
  `FROM (SELECT * FROM ${QUARANTINE_TABLE} WHERE ${where}) AS q LEFT ANY JOIN ${resolved(resolvedWhere)} AS r
  ON q.kafka_topic_id = r.kafka_topic_id AND q.kafka_partition = r.kafka_partition AND q.kafka_offset = r.kafka_offset`;

type Raw<T> = { readonly [K in keyof T]: T[K] extends number ? string | number : T[K] };

const listed = (row: Raw<ListedMessage>): ListedMessage => ({
  ...row,
  partition: Number(row.partition),
  offset: Number(row.offset),
  quarantinedAtMs: Number(row.quarantinedAtMs),
  bytes: Number(row.bytes),
});

export class QuarantineStore {
  readonly #clickhouse: ClickHouse;

  constructor(clickhouse: ClickHouse) {
    this.#clickhouse = clickhouse;
  }

  /** Counts by reason, the most first. */
  async summary(selection: Selection): Promise<ReasonCount[]> {
    const { sql, params } = conditionOf(selection);
    const rows = await this.#clickhouse.query<Raw<ReasonCount>>(
      `SELECT reason, countIf(state = 'open') AS open, countIf(state = 'replayed') AS replayed,
         countIf(state = 'discarded') AS discarded,
         min(quarantinedAtMs) AS oldestMs, max(quarantinedAtMs) AS newestMs
       FROM (SELECT ${LISTED} ${from(sql)})
       GROUP BY reason ORDER BY count() DESC, reason`,
      { params, timeoutMs: TIMEOUT_MS },
    );
    return rows.map((row) => ({
      reason: row.reason,
      open: Number(row.open),
      replayed: Number(row.replayed),
      discarded: Number(row.discarded),
      oldestMs: Number(row.oldestMs),
      newestMs: Number(row.newestMs),
    }));
  }

  /** The newest first; `after` is the last message of the page before. */
  async page(selection: Selection, limit: number, after?: PagePlace): Promise<ListedMessage[]> {
    const { sql, params } = conditionOf(selection);
    const key =
      'toUnixTimestamp64Milli(quarantined_at), toString(kafka_topic_id), kafka_partition, kafka_offset';
    const behind = after
      ? `AND (${key}) < ({atMs:Int64}, {atTopic:String}, {atPartition:UInt32}, {atOffset:UInt64})`
      : '';
    const rows = await this.#clickhouse.query<Raw<ListedMessage>>(
      `SELECT ${LISTED} ${from(`${sql} ${behind} ORDER BY (${key}) DESC LIMIT {limit:UInt32}`)}
       ORDER BY (quarantinedAtMs, topicId, partition, offset) DESC`,
      {
        params: {
          ...params,
          limit,
          ...(after && {
            atMs: after.quarantinedAtMs,
            atTopic: after.topicId,
            atPartition: after.partition,
            atOffset: after.offset,
          }),
        },
        timeoutMs: TIMEOUT_MS,
      },
    );
    return rows.map(listed);
  }

  /** Names of topics that are in quarantine under more than one id: made again since. */
  async ambiguousTopics(): Promise<ReadonlySet<string>> {
    const rows = await this.#clickhouse.query<{ topic: string }>(
      `SELECT toString(kafka_topic) AS topic FROM ${QUARANTINE_TABLE}
       GROUP BY topic HAVING uniqExact(kafka_topic_id) > 1`,
      { timeoutMs: TIMEOUT_MS },
    );
    return new Set(rows.map(({ topic }) => topic));
  }

  /**
   * The positions that these ids name.
   *
   * @throws LedgerlineError QUARANTINE_UNKNOWN, naming the first that is not there, or is two messages
   */
  async positions(ids: readonly MessageId[]): Promise<Position[]> {
    const found: Position[] = [];
    for (let at = 0; at < ids.length; at += 200) {
      const some = ids.slice(at, at + 200);
      const rows = await this.#clickhouse.query<Raw<Position>>(
        `SELECT DISTINCT toString(kafka_topic) AS topic, toString(kafka_topic_id) AS topicId,
           kafka_partition AS partition, kafka_offset AS offset
         FROM ${QUARANTINE_TABLE} WHERE kafka_offset IN {offsets:Array(UInt64)}
           AND kafka_partition IN {partitions:Array(UInt32)} AND kafka_topic IN {topics:Array(String)}`,
        {
          params: {
            offsets: some.map(({ offset }) => offset),
            partitions: [...new Set(some.map(({ partition }) => partition))],
            topics: [...new Set(some.map(({ topic }) => topic))],
          },
          timeoutMs: TIMEOUT_MS,
        },
      );
      const known = rows.map((row) => ({
        ...row,
        partition: Number(row.partition),
        offset: Number(row.offset),
      }));
      for (const id of some) found.push(onlyOne(id, known));
    }
    return found;
  }

  /** How many messages each partition has, in the order of partitions. */
  async partitions(selection: Selection): Promise<PartitionCount[]> {
    const { sql, params } = conditionOf(selection);
    const rows = await this.#clickhouse.query<Raw<PartitionCount>>(
      `SELECT toString(kafka_topic) AS topic, toString(kafka_topic_id) AS topicId,
         kafka_partition AS partition, count() AS messages
       FROM ${QUARANTINE_TABLE} WHERE ${sql}
       GROUP BY topic, kafka_topic_id, partition ORDER BY topic, topicId, partition`,
      { params, timeoutMs: TIMEOUT_MS },
    );
    return rows.map((row) => ({
      ...row,
      partition: Number(row.partition),
      messages: Number(row.messages),
    }));
  }

  /** Offsets of one partition behind `after`, with the sizes of their messages. */
  async offsets(
    selection: Selection,
    { topicId, partition }: Pick<Position, 'topicId' | 'partition'>,
    after: number,
    limit: number,
  ): Promise<{ readonly offset: number; readonly bytes: number }[]> {
    const { sql, params } = conditionOf(selection);
    const rows = await this.#clickhouse.query<{ offset: string; bytes: string }>(
      `SELECT kafka_offset AS offset, length(message) AS bytes FROM ${QUARANTINE_TABLE}
       WHERE ${sql} AND kafka_topic_id = {inTopic:UUID} AND kafka_partition = {inPartition:UInt32}
         AND kafka_offset > {after:Int64}
       ORDER BY kafka_offset LIMIT 1 BY kafka_offset LIMIT {limit:UInt32}`,
      {
        params: { ...params, inTopic: topicId, inPartition: partition, after, limit },
        timeoutMs: TIMEOUT_MS,
      },
    );
    return rows.map(({ offset, bytes }) => ({ offset: Number(offset), bytes: Number(bytes) }));
  }

  /** Whole messages of one partition, in the order of their offsets. */
  async whole(
    { topicId, partition }: Pick<Position, 'topicId' | 'partition'>,
    offsets: readonly number[],
  ): Promise<WholeMessage[]> {
    const here = `kafka_topic_id = {inTopic:UUID} AND kafka_partition = {inPartition:UInt32}
      AND kafka_offset IN {offsets:Array(UInt64)}`;
    const rows = await this.#clickhouse.query<
      Raw<Omit<WholeMessage, 'message'>> & { readonly base64: string }
    >(
      `SELECT ${LISTED}, toUnixTimestamp64Milli(q.kafka_timestamp) AS timestampMs, q.headers AS headers,
         base64Encode(q.message) AS base64
       ${from(here, here)} ORDER BY offset LIMIT 1 BY offset`,
      { params: { inTopic: topicId, inPartition: partition, offsets }, timeoutMs: TIMEOUT_MS },
    );
    return rows.map(({ base64, ...row }) => ({
      ...listed(row),
      timestampMs: Number(row.timestampMs),
      headers: row.headers,
      message: Buffer.from(base64, 'base64'),
    }));
  }

  /** What was done about a message, the earliest first. */
  async resolutions(position: Position): Promise<(Resolution & { readonly resolvedAt: string })[]> {
    const { topicId, partition, offset } = position;
    const rows = await this.#clickhouse.query<Raw<Resolution & { readonly resolvedAt: string }>>(
      `SELECT toString(state) AS state, toString(run_id) AS runId, resolved_by AS resolvedBy, reason,
         toString(event_id) AS eventId, toString(replayed_topic) AS replayedTopic,
         replayed_partition AS replayedPartition, replayed_offset AS replayedOffset,
         toString(transform) AS transform, formatDateTime(resolved_at, '%FT%TZ') AS resolvedAt
       FROM ${RESOLUTIONS_TABLE}
       WHERE kafka_topic_id = {topicId:UUID} AND kafka_partition = {partition:UInt32}
         AND kafka_offset = {offset:UInt64} ORDER BY resolved_at`,
      { params: { topicId, partition, offset }, timeoutMs: TIMEOUT_MS },
    );
    return rows.map((row) => ({
      ...row,
      replayedPartition: Number(row.replayedPartition),
      replayedOffset: Number(row.replayedOffset),
    }));
  }

  /**
   * Marks messages as resolved, all or none; while ClickHouse does not answer, for 30 s again under the same
   * token, so that an attempt that did arrive adds nothing twice.
   */
  async resolve(
    marks: readonly (Position & { readonly resolution: Resolution })[],
    token: string,
  ): Promise<void> {
    if (marks.length === 0) return;
    const body = marks.map(({ topic, topicId, partition, offset, resolution }) =>
      Buffer.from(
        `${JSON.stringify({
          kafka_topic: topic,
          kafka_topic_id: topicId,
          kafka_partition: partition,
          kafka_offset: offset,
          state: resolution.state,
          run_id: resolution.runId,
          resolved_by: resolution.resolvedBy,
          reason: resolution.reason,
          event_id: resolution.eventId === '' ? NIL : resolution.eventId,
          replayed_topic: resolution.replayedTopic,
          replayed_partition: resolution.replayedPartition,
          replayed_offset: resolution.replayedOffset,
          transform: resolution.transform,
        })}\n`,
      ),
    );
    const until = Date.now() + INSERT_PATIENCE_MS;
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#clickhouse.insert({
          table: RESOLUTIONS_TABLE,
          columns: COLUMNS,
          format: 'JSONEachRow',
          body,
          settings: {
            async_insert: 0,
            insert_deduplicate: 1,
            insert_deduplication_token: token,
            max_partitions_per_insert_block: 1_000,
          },
        });
        return;
      } catch (error) {
        if (!(error instanceof ClickHouseUnreachable) || Date.now() > until) throw error;
        await pause(backoffMs(attempt), AbortSignal.timeout(INSERT_PATIENCE_MS));
      }
    }
  }
}

export type PagePlace = Pick<ListedMessage, 'quarantinedAtMs' | 'topicId' | 'partition' | 'offset'>;

const COLUMNS = [
  'kafka_topic',
  'kafka_topic_id',
  'kafka_partition',
  'kafka_offset',
  'state',
  'run_id',
  'resolved_by',
  'reason',
  'event_id',
  'replayed_topic',
  'replayed_partition',
  'replayed_offset',
  'transform',
] as const;

function onlyOne(id: MessageId, known: readonly Position[]): Position {
  const { topic, partition, offset, topicIdStart = '' } = id;
  const named = known.filter(
    (one) =>
      one.topic === topic &&
      one.partition === partition &&
      one.offset === offset &&
      one.topicId.startsWith(topicIdStart),
  );
  const [only, another] = named;
  const text = `${topic}/${partition}@${offset}`;
  if (!only) {
    throw new LedgerlineError('QUARANTINE_UNKNOWN', `There is no message ${text} in quarantine.`, {
      hint: 'List those that are there with `ledgerline quarantine list`.',
    });
  }
  if (another) {
    throw new LedgerlineError(
      'QUARANTINE_UNKNOWN',
      `${text} is ${named.length} messages: the topic was made again.`,
      { hint: `Name one of ${named.map((one) => formatMessageId(one, true)).join(', ')}.` },
    );
  }
  return only;
}
