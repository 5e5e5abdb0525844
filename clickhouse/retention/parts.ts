import type { ClickHouse } from '../clickhouse.ts';
import { storedIn } from '../cluster.ts';

/** A part of `audit_events` on disk: rows of one retention class and one calendar month. */
export interface Part {
  readonly name: string;
  readonly retentionClass: string;
  /** Its first day, as `2026-11-01`. */
  readonly month: string;
  readonly partitionId: string;
  readonly rows: number;
  /** On disk, compressed, with indexes. */
  readonly bytes: number;
  /** `occurred_at` of its oldest and newest row, in seconds since 1970. */
  readonly oldestS: number;
  readonly newestS: number;
}

/** The parts of this node, oldest first, and the engine's time. */
export interface Parts {
  readonly nowS: number;
  readonly parts: readonly Part[];
}

interface Row {
  readonly name: string;
  readonly partition: string;
  readonly partition_id: string;
  readonly rows: string;
  readonly bytes: string;
  readonly oldest: number;
  readonly newest: number;
}

/** What is stored, from the engine's own books: costs nothing, however much it is. */
export async function readParts(clickhouse: ClickHouse): Promise<Parts> {
  const params = {
    database: clickhouse.database,
    table: storedIn('audit_events', clickhouse.cluster),
  };
  const [[clock], rows] = await Promise.all([
    clickhouse.query<{ now: number }>('SELECT toUnixTimestamp(now()) AS now'),
    clickhouse.query<Row>(
      `SELECT name, partition, partition_id, rows, bytes_on_disk AS bytes,
              toUnixTimestamp(min_time) AS oldest, toUnixTimestamp(max_time) AS newest
       FROM system.parts
       WHERE database = {database:String} AND table = {table:String} AND active AND rows > 0
       ORDER BY oldest, name`,
      { params },
    ),
  ]);
  return { nowS: clock?.now ?? Math.floor(Date.now() / 1000), parts: rows.map(partOf) };
}

/** Rows of parts, without those that a sweep has deleted, which a part's own books still count. */
export async function rowsIn(clickhouse: ClickHouse, parts: readonly string[]): Promise<number> {
  if (parts.length === 0) return 0;
  const [row] = await clickhouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM audit_events WHERE _part IN {parts:Array(String)}',
    { params: { parts } },
  );
  return Number(row?.rows ?? 0);
}

function partOf(row: Row): Part {
  const [, retentionClass = '', month = ''] = /^\('([^']*)','([^']*)'\)$/.exec(row.partition) ?? [];
  return {
    name: row.name,
    retentionClass,
    month,
    partitionId: row.partition_id,
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    oldestS: row.oldest,
    newestS: row.newest,
  };
}
