/**
 * What delivery asks of ClickHouse: insert a batch under a token and a lease, and look what is there.
 */
import { Readable } from 'node:stream';
import type { ClickHouse, Settings } from '../clickhouse/index.ts';
import { INSERT_COLUMNS } from '../schemas/columns.ts';
import type { Row } from './backlog.ts';
import { encodeQuarantine, type QuarantinedMessage, QUARANTINE_COLUMNS } from './quarantine.ts';
import { ledgerSelect, SELECT_SETTINGS } from './ledger-select.ts';
import { insertBody, type Origin } from './splice.ts';
import type { AcceptedLossRecord } from './start-position.ts';

export const LEDGER_TABLE = 'audit_events';
export const QUARANTINE_TABLE = 'audit_quarantine';

/**
 * One insert is one block, whatever the server's defaults: in several blocks a violated constraint
 * would leave the earlier ones behind. And nothing that a message says is skipped in silence.
 */
export const INSERT_SETTINGS = {
  async_insert: 0,
  max_insert_block_size: 1_048_576,
  max_insert_block_size_bytes: 0,
  min_insert_block_size_rows: 1_048_576,
  min_insert_block_size_bytes: 268_435_456,
  input_format_parallel_parsing: 0,
  input_format_skip_unknown_fields: 0,
  input_format_json_ignore_unknown_keys_in_named_tuple: 0,
  input_format_null_as_default: 0,
  input_format_allow_errors_num: 0,
  input_format_allow_errors_ratio: 0,
  date_time_input_format: 'best_effort',
  insert_deduplicate: 1,
  // A block may touch as many months and classes as a backlog spans.
  max_partitions_per_insert_block: 1_000,
  throw_on_max_partitions_per_insert_block: 1,
} as const;

export interface InsertRequest {
  readonly origin: Origin;
  readonly token: string;
  /** Until when the engine may take it, in seconds since 1970 by the engine's clock. */
  readonly leaseSeconds: number;
  readonly timeoutMs: number;
}

/** The list of ids travels in the request's address, whose length servers bound. */
const IDS_PER_QUESTION = 250;

export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface KnownEvent {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

export class LedgerSink {
  readonly #clickhouse: ClickHouse;
  #tokenSettings: Settings | undefined;
  readonly #ledger: string;

  /** @param ledger the table of events: another one than `audit_events` while it is rebuilt or compared */
  constructor(clickhouse: ClickHouse, ledger: string = LEDGER_TABLE) {
    this.#clickhouse = clickhouse;
    this.#ledger = ledger;
  }

  /** Inserts the rows, all or none; answers how many the engine has counted. */
  async insert(
    rows: readonly Row[],
    mended: ReadonlyMap<number, Buffer>,
    request: InsertRequest,
  ): Promise<number> {
    const { origin, leaseSeconds, token, timeoutMs } = request;
    const { writtenRows } = await this.#clickhouse.insert({
      table: this.#ledger,
      columns: INSERT_COLUMNS,
      format: 'JSONEachRow',
      // Not in object mode: the pieces are bytes, and two of them may wait.
      body: Readable.from(insertBody(rows, mended), {
        objectMode: false,
        highWaterMark: 512 * 1024,
      }),
      through: { select: ledgerSelect(origin, leaseSeconds, rows.length), rows: rows.length },
      settings: {
        ...INSERT_SETTINGS,
        ...SELECT_SETTINGS,
        ...(await this.#tokensOfSelects(timeoutMs)),
        insert_deduplication_token: token,
      },
      timeoutMs,
    });
    // A Distributed table counts a row twice where it hands it to itself: only too few says something.
    return this.#clickhouse.cluster === undefined
      ? writtenRows
      : Math.min(writtenRows, rows.length);
  }

  /** Since 25.12 a server recognises an INSERT … SELECT by its token only when it is told to; before, always. */
  async #tokensOfSelects(timeoutMs: number): Promise<Settings> {
    if (this.#tokenSettings) return this.#tokenSettings;
    const name = 'deduplicate_insert_select';
    const known = await this.#clickhouse.query(
      'SELECT name FROM system.settings WHERE name = {name:String}',
      { params: { name }, timeoutMs },
    );
    this.#tokenSettings = known.length > 0 ? { [name]: 'enable_even_for_bad_queries' } : {};
    return this.#tokenSettings;
  }

  async quarantine(messages: readonly QuarantinedMessage[], request: InsertRequest): Promise<void> {
    await this.#clickhouse.insert({
      table: QUARANTINE_TABLE,
      columns: QUARANTINE_COLUMNS,
      format: 'RowBinary',
      body: Readable.from(encodeQuarantine(messages, request.origin, request.leaseSeconds), {
        objectMode: false,
      }),
      settings: { ...INSERT_SETTINGS, insert_deduplication_token: request.token },
      timeoutMs: request.timeoutMs,
    });
  }

  /** Records what Kafka lost and an operator has accepted to lose, at the last offset of it. */
  async recordLoss(origin: Origin, lost: AcceptedLossRecord, leaseEndsMs: number): Promise<void> {
    const message: QuarantinedMessage = {
      reason: 'accepted_loss',
      error: lost.error,
      offset: lost.last,
      timestamp: 0,
      key: '',
      headers: {},
      message: Buffer.alloc(0),
    };
    const { topicId, first, last } = lost;
    await this.quarantine([message], {
      origin: { ...origin, topicId },
      token: `ledgerline/${topicId}/${origin.partition}/${first}-${last}/lost`,
      leaseSeconds: Math.floor(leaseEndsMs / 1000),
      timeoutMs: 10_000,
    });
  }

  /**
   * The highest offset that either table holds of the partition; -1 when none. Grouped as the projection
   * `stored_up_to` is, which answers it without reading rows.
   */
  async highWater({ topicId, partition }: Origin): Promise<number> {
    const rows = await this.#clickhouse.query<{ rows: string; highest: string }>(
      `SELECT count() AS rows, max(highest) AS highest FROM (
         SELECT max(kafka_offset) AS highest FROM ${this.#ledger}
         WHERE kafka_topic_id = {topicId:UUID} AND kafka_partition = {partition:UInt32}
         GROUP BY kafka_topic_id, kafka_partition
         UNION ALL
         SELECT max(kafka_offset) AS highest FROM ${QUARANTINE_TABLE}
         WHERE kafka_topic_id = {topicId:UUID} AND kafka_partition = {partition:UInt32}
         GROUP BY kafka_topic_id, kafka_partition)`,
      { params: { topicId, partition } },
    );
    const [answer] = rows;
    return !answer || answer.rows === '0' ? -1 : Number(answer.highest);
  }

  /** Which offsets of a range are accounted for already, in the ledger or in quarantine. */
  async settled(origin: Origin, first: number, last: number): Promise<Set<number>> {
    const [ledger, quarantine] = await Promise.all([
      this.#offsets(this.#ledger, origin, first, last),
      this.#offsets(QUARANTINE_TABLE, origin, first, last),
    ]);
    return new Set([...ledger, ...quarantine]);
  }

  /** Which offsets of a range the ledger itself holds. */
  async stored(origin: Origin, first: number, last: number): Promise<Set<number>> {
    return new Set(await this.#offsets(this.#ledger, origin, first, last));
  }

  async quarantined(origin: Origin, first: number, last: number): Promise<Set<number>> {
    return new Set(await this.#offsets(QUARANTINE_TABLE, origin, first, last));
  }

  async #offsets(table: string, origin: Origin, first: number, last: number): Promise<number[]> {
    const rows = await this.#clickhouse.query<{ offset: string }>(
      `SELECT kafka_offset AS offset FROM ${table}
       WHERE kafka_topic_id = {topicId:UUID} AND kafka_partition = {partition:UInt32}
         AND kafka_offset BETWEEN {first:UInt64} AND {last:UInt64}`,
      { params: { topicId: origin.topicId, partition: origin.partition, first, last } },
    );
    return rows.map(({ offset }) => Number(offset));
  }

  /**
   * Where events with these ids are stored, if they are. With a span of time, those that happened in
   * it; without, whenever they happened: an id of ours bears its time, by which the table finds it.
   */
  async find(eventIds: readonly string[], span?: TimeSpan): Promise<Map<string, KnownEvent[]>> {
    const found = new Map<string, KnownEvent[]>();
    const where = span
      ? 'occurred_at BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})'
      : 'UUIDv7ToDateTime(event_id) IN arrayMap(id -> UUIDv7ToDateTime(id), {ids:Array(UUID)})';
    // Widened by what milliseconds leave out of microseconds.
    const times = span && { from: Math.floor(span.fromMs) - 1, to: Math.ceil(span.toMs) + 1 };
    for (let at = 0; at < eventIds.length; at += IDS_PER_QUESTION) {
      const rows = await this.#clickhouse.query<{
        id: string;
        topicId: string;
        partition: number;
        offset: string;
      }>(
        `SELECT event_id AS id, kafka_topic_id AS topicId, kafka_partition AS partition, kafka_offset AS offset
         FROM ${this.#ledger} WHERE event_id IN {ids:Array(UUID)} AND ${where}`,
        { params: { ids: eventIds.slice(at, at + IDS_PER_QUESTION), ...times } },
      );
      for (const { id, topicId, partition, offset } of rows) {
        const known = { topicId, partition, offset: Number(offset) };
        found.set(id, [...(found.get(id) ?? []), known]);
      }
    }
    return found;
  }

  /** How far the engine's clock is ahead of ours, in milliseconds. */
  async clockSkewMs(now: () => number): Promise<number> {
    const asked = now();
    const [row] = await this.#clickhouse.query<{ now: string }>(
      'SELECT toUnixTimestamp64Milli(now64(3)) AS now',
    );
    return Number(row?.now) - (asked + now()) / 2;
  }
}
