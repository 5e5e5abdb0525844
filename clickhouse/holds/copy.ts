import type { ClickHouse } from '../clickhouse.ts';
import { asked, type Asked, callOptions } from '../search/ask.ts';
import { compile, Parameters } from '../search/compile.ts';
import { EVERY_TENANT, tenantSql } from '../search/scope.ts';
import { STORED_COLUMNS } from '../views/kept.ts';
import { EVENT_PLACE, type Hold } from './holds.ts';
import type { Turn } from './turn.ts';

const COLUMNS = STORED_COLUMNS.join(', ');

/** Copying as much as a hold may be about takes its time. */
const COPY_TIMEOUT_MS = 3_600_000;

/**
 * Puts every event that a hold is about under it: first notes which they are, then copies those that
 * have no copy yet. In this order, so that whoever removes copies that no hold needs sees the need
 * before there is a copy. Rows whose days are over but which are still there are taken as well.
 *
 * @returns how many events are newly under the hold
 */
export async function copyUnderHold(
  clickhouse: ClickHouse,
  hold: string,
  question: Asked,
  turn: Turn,
  signal?: AbortSignal,
): Promise<number> {
  const before = await linked(clickhouse, hold);
  for (const table of ['audit_events', 'audit_held']) {
    turn.assertMine();
    await run(clickhouse, signal, (params) => {
      const id = params.bind(hold, 'UUID');
      return `INSERT INTO audit_hold_events (hold_id, kafka_topic_id, kafka_partition, kafka_offset)
SELECT ${id}, kafka_topic_id, kafka_partition, kafka_offset
FROM ${table}
WHERE ${heldSql(question, params)}
  AND ${EVENT_PLACE} NOT IN (SELECT kafka_topic_id, kafka_partition, kafka_offset FROM audit_hold_events WHERE hold_id = ${id})`;
    });
  }
  turn.assertMine();
  await run(
    clickhouse,
    signal,
    (params) => `INSERT INTO audit_held (${COLUMNS})
SELECT ${COLUMNS}
FROM audit_events
WHERE ${heldSql(question, params)}
  AND ${EVENT_PLACE} NOT IN (SELECT kafka_topic_id, kafka_partition, kafka_offset FROM audit_held)`,
  );
  return (await linked(clickhouse, hold)) - before;
}

/** Events under a hold of which there is no copy: none, unless one expired while it was being placed. */
export async function uncopied(clickhouse: ClickHouse, hold: string): Promise<number> {
  const [row] = await clickhouse.query<{ events: string }>(
    `SELECT uniqExact(kafka_topic_id, kafka_partition, kafka_offset) AS events
     FROM audit_hold_events
     WHERE hold_id = {hold:UUID}
       AND ${EVENT_PLACE} NOT IN (SELECT kafka_topic_id, kafka_partition, kafka_offset FROM audit_held)`,
    { params: { hold }, timeoutMs: COPY_TIMEOUT_MS },
  );
  return Number(row?.events ?? 0);
}

async function linked(clickhouse: ClickHouse, hold: string): Promise<number> {
  const [row] = await clickhouse.query<{ events: string }>(
    `SELECT uniqExact(kafka_topic_id, kafka_partition, kafka_offset) AS events
     FROM audit_hold_events WHERE hold_id = {hold:UUID}`,
    { params: { hold } },
  );
  return Number(row?.events ?? 0);
}

/** What a hold is about, as a condition on any table of events. */
export const heldSql = (asked: Asked, params: Parameters): string =>
  `${tenantSql(asked.tenants, params)} AND ${compile(asked.condition, params).sql}`;

/** A hold's query as it was when it was placed: "since 7 days ago" must not move on with time. */
export const questionOf = (
  clickhouse: ClickHouse,
  { query, timeZone, tenants, placedAt }: Hold,
): Promise<Asked> =>
  asked(clickhouse, query, { tenant: tenants ?? EVERY_TENANT, timeZone, now: new Date(placedAt) });

async function run(
  clickhouse: ClickHouse,
  signal: AbortSignal | undefined,
  statement: (params: Parameters) => string,
): Promise<void> {
  const params = new Parameters();
  const sql = statement(params);
  await clickhouse.command(sql, {
    ...callOptions({ timeoutMs: COPY_TIMEOUT_MS, ...(signal && { signal }) }, params),
    settings: { async_insert: 0, max_execution_time: COPY_TIMEOUT_MS / 1000 },
  });
}
