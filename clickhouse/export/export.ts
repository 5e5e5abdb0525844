import type { Readable } from 'node:stream';
import type { ClickHouse } from '../clickhouse.ts';
import {
  type Asked,
  asked,
  type AskOptions,
  callOptions,
  inTime,
  whereSql,
} from '../search/ask.ts';
import { instant, Parameters } from '../search/compile.ts';
import { sourceSql } from '../search/source.ts';
import { ENGINE_FORMAT, selectList } from './columns.ts';
import type { ExportFormat } from './formats.ts';
import { type InsertAtWork, settled, type Settling } from './settled.ts';

export interface ExportOptions extends AskOptions, Settling {
  readonly format: ExportFormat;
}

/**
 * What an export will hold: fixed before its first byte, so that what arrives or expires meanwhile
 * neither adds to it nor takes from it.
 */
export interface ExportPlan {
  readonly query: string;
  readonly format: ExportFormat;
  /** `undefined`: every tenant. */
  readonly tenants: readonly string[] | undefined;
  /** All events that were stored up to this moment, by the engine's clock, and none that came later; ISO 8601. */
  readonly storedUntil: string;
  /** The insert that holds this moment back by more than is tolerated, where that was accepted. */
  readonly heldBackBy: InsertAtWork | undefined;
  /** Of the events in it, ISO 8601; absent where there are none. */
  readonly earliest: string | undefined;
  readonly latest: string | undefined;
  /** Events that match, by a count of its own. */
  readonly rows: number;
  readonly asked: Asked;
  readonly untilMicros: number;
}

/**
 * Fixes what an export of a query holds, and counts it.
 *
 * @throws as `search`; LedgerlineError `EXPORT_INCOMPLETE` where an insert that hangs would keep from it what
 *   was stored in the last minute and before
 */
export async function planExport(
  clickhouse: ClickHouse,
  query: string,
  options: ExportOptions,
): Promise<ExportPlan> {
  return inTime(options, async () => {
    const question = await asked(clickhouse, query, options);
    const { untilMs, by } = await settled(clickhouse, options);
    const untilMicros = untilMs * 1000;
    const params = new Parameters();
    const [found] = await clickhouse.query<{ rows: string; earliest: string; latest: string }>(
      `SELECT count() AS rows,
       formatDateTime(min(occurred_at), '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS earliest,
       formatDateTime(max(occurred_at), '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS latest
FROM ${sourceSql(question, params)}
WHERE ${where(question, untilMicros, params)}`,
      callOptions(options, params),
    );
    const rows = Number(found?.rows ?? 0);
    return {
      query,
      format: options.format,
      tenants: question.tenants,
      storedUntil: new Date(untilMs).toISOString(),
      heldBackBy: by,
      earliest: rows === 0 ? undefined : found?.earliest,
      latest: rows === 0 ? undefined : found?.latest,
      rows,
      asked: question,
      untilMicros,
    };
  });
}

/**
 * The bytes of a planned export, by tenant and time, as ClickHouse makes them: read it to the end or
 * destroy it. How many rows it holds is for the reader to count, and to compare with the plan.
 *
 * @throws as `search`
 */
export function openExport(
  clickhouse: ClickHouse,
  plan: ExportPlan,
  options: ExportOptions,
): Promise<Readable> {
  const params = new Parameters();
  const call = callOptions(options, params);
  return clickhouse.stream(
    `SELECT ${selectList(plan.format)}
FROM ${sourceSql(plan.asked, params)}
WHERE ${where(plan.asked, plan.untilMicros, params)}
ORDER BY audit_events.tenant_id, audit_events.occurred_at`,
    {
      ...call,
      params: params.values,
      settings: { ...call.settings, ...STREAMING },
      format: ENGINE_FORMAT[plan.format],
    },
  );
}

/** Rows leave as they are read, in the order of the table's key: nothing is held for a sort. */
const STREAMING = {
  optimize_read_in_order: 1,
  // Columns are shown under their own names; conditions are about the columns.
  prefer_column_name_to_alias: 1,
  max_threads: 2,
  max_block_size: 8_192,
  output_format_parquet_row_group_size: 100_000,
  output_format_parquet_compression_method: 'zstd',
} as const;

function where(question: Asked, untilMicros: number, params: Parameters): string {
  return `${whereSql(question, params)}\n  AND ingested_at <= ${instant(untilMicros, params)}`;
}
