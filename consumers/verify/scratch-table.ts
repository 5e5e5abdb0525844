/**
 * A table in the engine's memory with the ledger's columns and defaults, and none of its constraints: what a
 * message becomes there is what it must have become in the ledger. Columns are compared inside the engine.
 */
import { randomUUID } from 'node:crypto';
import { type ClickHouse, ClickHouseError } from '../../clickhouse/index.ts';
import { type Row, valueOf } from '../backlog.ts';
import { classify } from '../failure.ts';
import { judge } from '../judge.ts';
import { LEDGER_TABLE, LedgerSink } from '../ledger-sink.ts';
import type { Origin } from '../splice.ts';

const PREFIX = 'verify_scratch_';
const ABANDONED_AFTER_HOURS = 24;
/** Rows of one chunk that the engine may refuse one by one. */
const MAX_REFUSALS = 1_000;

/** Filled by the table itself, so that a message says nothing of them. */
const OWN_COLUMNS = new Set(['ingested_at', 'lease']);

/** What erasure leaves as it was: who, what and when are told by ids, never by personal data. */
const UNERASABLE: ReadonlySet<string> = new Set([
  'event_id',
  'event_type',
  'event_version',
  'category',
  'operation',
  'outcome',
  'severity',
  'occurred_at',
  'tenant_id',
  'target_type',
  'target_id',
  'service',
  'producer_id',
  'producer_seq',
  'retention_class',
  'kafka_topic',
  'kafka_topic_id',
  'kafka_partition',
  'kafka_offset',
  'kafka_timestamp',
]);

export interface Difference {
  readonly offset: number;
  readonly columns: readonly string[];
  /** The row says that its personal values were erased, and only erasable columns differ. */
  readonly erased: boolean;
}

export class ScratchTable {
  readonly #clickhouse: ClickHouse;
  readonly #name: string;
  readonly #columns: readonly string[];
  readonly #sink: LedgerSink;

  private constructor(clickhouse: ClickHouse, name: string, columns: readonly string[]) {
    this.#clickhouse = clickhouse;
    this.#name = name;
    this.#columns = columns;
    this.#sink = new LedgerSink(clickhouse, name);
  }

  static async make(clickhouse: ClickHouse): Promise<ScratchTable> {
    await dropAbandoned(clickhouse);
    const columns = await clickhouse.query<{
      name: string;
      type: string;
      kind: string;
      expression: string;
    }>(
      `SELECT name, type, default_kind AS kind, default_expression AS expression FROM system.columns
       WHERE database = {database:String} AND table = '${LEDGER_TABLE}' ORDER BY position`,
      { params: { database: clickhouse.database } },
    );
    const kept = columns.filter(({ name, kind }) => name === 'lease' || !NO_DATA.has(kind));
    const name = `${PREFIX}${randomUUID().replaceAll('-', '')}`;
    const definitions = kept
      .filter((column) => column.name !== 'ingested_at')
      .map((column) => `\`${column.name}\` ${column.type} ${column.kind} ${column.expression}`);
    await clickhouse.command(`CREATE TABLE ${name} (${definitions.join(', ')}) ENGINE = Memory`);
    return new ScratchTable(
      clickhouse,
      name,
      kept.map((column) => column.name).filter((column) => !OWN_COLUMNS.has(column)),
    );
  }

  async drop(): Promise<void> {
    await this.#clickhouse.command(`DROP TABLE IF EXISTS ${this.#name}`);
  }

  /**
   * Compares messages with the rows that are stored of them, all of one partition.
   *
   * @returns the offsets whose rows differ; one that could not be stored at all differs in no named column
   */
  async compare(
    rows: readonly Row[],
    origin: Origin,
    timeoutMs: number,
  ): Promise<readonly Difference[]> {
    await this.#clickhouse.command(`TRUNCATE TABLE ${this.#name}`, { timeoutMs });
    const unstorable = await this.#fill(rows, origin, timeoutMs);
    const first = rows[0]?.offset ?? 0;
    const last = rows.at(-1)?.offset ?? 0;
    const hashOf = (column: string): string => `sipHash64(\`${column}\`)`;
    const side = (table: string): string =>
      `SELECT kafka_offset AS offset, sipHash128(${this.#columns.map((name) => `\`${name}\``).join(', ')}) AS whole,
         [${this.#columns.map(hashOf).join(', ')}] AS parts, mapContains(attributes, 'ledger.erased') AS erased
       FROM ${table} WHERE kafka_topic_id = {topicId:UUID} AND kafka_partition = {partition:UInt32}
         AND kafka_offset BETWEEN {first:UInt64} AND {last:UInt64}`;
    const found = await this.#clickhouse.query<{
      offset: string;
      erased: boolean | number;
      columns: string[];
    }>(
      `SELECT offset, stored.erased AS erased,
         arrayFilter((name, a, b) -> a != b, {columns:Array(String)}, stored.parts, came.parts) AS columns
       FROM (${side(LEDGER_TABLE)}) AS stored
       INNER JOIN (${side(this.#name)}) AS came USING (offset)
       WHERE stored.whole != came.whole ORDER BY offset`,
      {
        params: {
          topicId: origin.topicId,
          partition: origin.partition,
          first,
          last,
          columns: this.#columns,
        },
        timeoutMs,
      },
    );
    return [
      ...found.map(({ offset, erased, columns }) => ({
        offset: Number(offset),
        columns,
        erased: Boolean(erased) && !columns.some((column) => UNERASABLE.has(column)),
      })),
      ...unstorable.map((offset) => ({ offset, columns: [], erased: false })),
    ].sort((a, b) => a.offset - b.offset);
  }

  /** Stores what a worker would: as it came, mended where it has keys that the table does not know. */
  async #fill(rows: readonly Row[], origin: Origin, timeoutMs: number): Promise<number[]> {
    const mended = new Map<number, Buffer>();
    const refused: number[] = [];
    let left = rows.filter(({ fault }) => fault === undefined);
    for (const row of rows) if (row.fault !== undefined) refused.push(row.offset);
    for (let judged = false; left.length > 0;) {
      try {
        await this.#sink.insert(left, mended, {
          origin,
          token: '',
          leaseSeconds: NO_LEASE,
          timeoutMs,
        });
        return refused;
      } catch (error) {
        const failure = classify(error);
        if (!(error instanceof ClickHouseError) || failure.kind !== 'content') throw error;
        if (!judged) {
          judged = true;
          for (const row of left) {
            const verdict = judge(valueOf(row), NEVER_EXPIRED);
            if (verdict.kind === 'mended') mended.set(row.offset, verdict.value);
          }
          if (mended.size > 0) continue;
        }
        const named = failure.row === undefined ? undefined : left[failure.row - 1];
        if (!named || refused.length === MAX_REFUSALS) throw error;
        refused.push(named.offset);
        left = left.filter((row) => row !== named);
      }
    }
    return refused;
  }
}

const NO_DATA = new Set(['EPHEMERAL', 'ALIAS', 'MATERIALIZED']);
const NO_LEASE = 4_294_967_295;

/** The row is stored, so it was in time then: only its keys are in question. */
const NEVER_EXPIRED = { nowMs: Date.now(), daysOf: () => 1_000_000 };

/** Of verifications that were killed. */
async function dropAbandoned(clickhouse: ClickHouse): Promise<void> {
  const tables = await clickhouse.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = {database:String} AND startsWith(name, '${PREFIX}')
       AND metadata_modification_time < now() - INTERVAL ${ABANDONED_AFTER_HOURS} HOUR`,
    { params: { database: clickhouse.database } },
  );
  for (const { name } of tables) await clickhouse.command(`DROP TABLE IF EXISTS \`${name}\``);
}
