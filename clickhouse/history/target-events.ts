import type { Readable } from 'node:stream';
import { decodeRow } from '../../schemas/decode-row.ts';
import { LedgerlineError } from '../../schemas/errors.ts';
import type { AuditEvent } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { asked, type AskOptions, callOptions, inTime, whereSql } from '../search/ask.ts';
import { instant, Parameters } from '../search/compile.ts';
import { allOf, type Condition } from '../search/condition.ts';
import { tenantsOf } from '../search/scope.ts';
import { sourceSql } from '../search/source.ts';

/** What a history is of: a target by its type and id, as events name it. */
export interface TargetKey {
  readonly type: string;
  readonly id: string;
}

/** A column is a text. */
export const isText = (column: 'target_type' | 'target_id', text: string): Condition => ({
  kind: 'like',
  source: { in: 'column', column },
  pattern: [text],
  fold: false,
});

/** The events whose target it is; those of its children are not among them. */
export const ownEventsOf = ({ type, id }: TargetKey): Condition =>
  allOf([isText('target_type', type), isText('target_id', id)]);

/** All that a record is rebuilt from: not what happened in words, nor data and execution. */
const COLUMNS = `wire_version, event_id, event_type, category, operation, outcome, occurred_at, tenant_id,
  actor_type, actor_id, actor_name, target_type, target_id, target_name, service, changes, policy_level, weight,
  mapFilter((key, value) -> key IN ('ledger.redacted', 'ledger.erased', 'ledger.truncated'), attributes) AS attributes`;

/**
 * Events one at a time in the order in which they happened. Within one microsecond, and for sources whose
 * clocks know seconds only, it is the order of Kafka's log: one target's events are in one partition.
 */
const IN_ORDER = 'occurred_at, kafka_topic_id, kafka_partition, kafka_offset';

export interface Reading {
  /** Only events that occurred before this: microseconds since 1970. */
  readonly before?: number | undefined;
  /** Target by target, each tenant by itself. */
  readonly byTarget?: boolean;
  /** Further than the condition: SQL without values. */
  readonly also?: string;
}

/**
 * The events of a condition, streamed: neither here nor in ClickHouse does their number need memory, each is
 * given once, and reading ends when nobody asks for more.
 *
 * @throws as `search`
 */
export async function* eventsInOrder(
  clickhouse: ClickHouse,
  condition: Condition,
  options: AskOptions,
  { before, byTarget = false, also }: Reading = {},
): AsyncGenerator<AuditEvent, void> {
  const question = await asked(clickhouse, condition, options);
  const params = new Parameters();
  const where = [
    whereSql(question, params),
    ...(before === undefined ? [] : [`occurred_at < ${instant(before, params)}`]),
    ...(also === undefined ? [] : [also]),
  ].join('\n  AND ');
  const answer = await clickhouse.stream(
    `SELECT ${COLUMNS}
FROM ${sourceSql(question, params)}
WHERE ${where}
ORDER BY ${byTarget ? 'tenant_id, target_id, ' : ''}${IN_ORDER}`,
    { ...callOptions(options, params), format: 'JSONEachRow' },
  );
  let at = '';
  const seen = new Set<string>();
  for await (const event of rowsOf(answer)) {
    const place = `${String(event.occurredAt)}/${event.target?.id}`;
    if (place !== at) seen.clear();
    at = place;
    if (seen.has(event.id)) continue;
    seen.add(event.id);
    yield event;
  }
}

const DAY_MICROS = 86_400_000_000;

/**
 * From when on no event has expired, of whatever class: microseconds since 1970. Where there is no event of a
 * target since then, nothing happened to it. Days that were fewer once count as well.
 */
export async function wholeSince(clickhouse: ClickHouse, options: AskOptions): Promise<number> {
  const { classes, expiredBefore, nowMs } = await asked(clickhouse, allOf([]), options);
  const byDays = nowMs * 1000 - Math.min(...Object.values(classes)) * DAY_MICROS;
  return Math.max(byDays, ...Object.values(expiredBefore));
}

async function* rowsOf(answer: Readable): AsyncGenerator<AuditEvent, void> {
  let held: Buffer[] = [];
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        held.push(chunk.subarray(from, at));
        yield decodeRow(Buffer.concat(held));
        held = [];
        from = at + 1;
      }
      held.push(chunk.subarray(from));
    }
  } finally {
    answer.destroy();
  }
}

/**
 * The tenant of a target: ids are a tenant's own, so that two tenants' targets of one id are two targets.
 *
 * @returns `undefined`: there are no events of it
 * @throws LedgerlineError `TARGET_AMBIGUOUS`
 */
export async function tenantOf(
  clickhouse: ClickHouse,
  target: TargetKey,
  options: AskOptions,
): Promise<string | undefined> {
  const named = tenantsOf(options.tenant);
  if (named?.length === 1) return named[0];
  const question = await asked(clickhouse, ownEventsOf(target), options);
  const params = new Parameters();
  const rows = await inTime(options, () =>
    clickhouse.query<{ tenant: string }>(
      `SELECT DISTINCT tenant_id AS tenant FROM ${sourceSql(question, params)}
WHERE ${whereSql(question, params)} LIMIT 2`,
      callOptions(options, params),
    ),
  );
  if (rows.length < 2) return rows[0]?.tenant;
  throw new LedgerlineError(
    'TARGET_AMBIGUOUS',
    'several tenants have a target of this type and id',
    { hint: 'Name the tenant: --tenant, or the option tenant.' },
  );
}
