import type { ClickHouse } from '../clickhouse.ts';
import { type Asked, type AskOptions, callOptions, whereSql } from './ask.ts';
import { isIndexed, timeBounds } from './bounds.ts';
import { instant, Parameters } from './compile.ts';
import { sourceSql } from './source.ts';

export type Order = 'newest' | 'oldest';

/** Where an event stands: enough to find its row again in the order of the table's key. */
export interface Key {
  readonly tenant_id: string;
  /** Microseconds since 1970. */
  readonly micros: number;
  readonly event_id: string;
}

export interface KeyRequest {
  readonly asked: Asked;
  readonly order: Order;
  readonly limit: number;
  /** Behind this event. */
  readonly after?: { readonly micros: number; readonly id: string } | undefined;
}

interface Stretch {
  readonly from: number | undefined;
  readonly before: number | undefined;
}

const HOUR = 3_600_000_000;
/** How much time is read first, and then each time, when that held too few events. */
const WIDTHS = [HOUR, 16 * HOUR, 256 * HOUR];

/**
 * The first events of an order, by their keys alone: three narrow columns and those that the query
 * looks at. Time is read in stretches from the order's beginning, each longer than the one before, so
 * that the newest fifty of a large ledger are found in its last hour.
 */
export async function findKeys(
  clickhouse: ClickHouse,
  request: KeyRequest,
  options: Pick<AskOptions, 'timeoutMs' | 'signal'>,
): Promise<Key[]> {
  const started = performance.now();
  const found: Key[] = [];
  for (const stretch of stretchesOf(request)) {
    const limit = request.limit - found.length;
    const params = new Parameters();
    const sql = keysSql({ ...request, limit }, stretch, params);
    const rows = await clickhouse.query<{ tenant_id: string; micros: string; event_id: string }>(
      sql,
      callOptions(options, params, started),
    );
    found.push(...rows.map((row) => ({ ...row, micros: Number(row.micros) })));
    if (found.length >= request.limit) break;
  }
  return found;
}

/** The stretches of time of a request, in its order; what they leave out cannot match. Pure. */
function stretchesOf({ asked, order, after }: KeyRequest): Stretch[] {
  const bounds = timeBounds(asked.condition);
  const newest = order === 'newest';
  // Nothing lies later than this: the table refuses it.
  const latest = (asked.nowMs + 86_400_000) * 1000;
  const from = Math.max(bounds.from ?? 0, newest ? 0 : (after?.micros ?? 0));
  const before = Math.min(
    bounds.before ?? latest,
    newest && after !== undefined ? after.micros + 1 : latest,
  );
  const whole = { from: bounds.from === undefined && newest ? undefined : from, before };
  // The oldest of all may be years away from where its order begins.
  if (isIndexed(asked.condition) || (!newest && bounds.from === undefined && !after))
    return [whole];
  const stretches: Stretch[] = [];
  // Between now and a day from now there are only events of clocks that are ahead.
  let edge = newest ? before : from;
  const first = newest ? Math.min(before, asked.nowMs * 1000) : from;
  let reach = 0;
  for (const width of WIDTHS) {
    reach += width;
    const next = newest ? first - reach : first + reach;
    if (newest ? next <= from : next >= before) break;
    stretches.push(newest ? { from: next, before: edge } : { from: edge, before: next });
    edge = next;
  }
  stretches.push(newest ? { from: whole.from, before: edge } : { from: edge, before });
  return stretches;
}

/** The statement of one stretch. Pure. */
function keysSql(
  { asked, order, limit, after }: KeyRequest,
  { from, before }: Stretch,
  params: Parameters,
): string {
  const [sign, direction] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
  const parts = [
    whereSql(asked, params),
    ...(from === undefined ? [] : [`occurred_at >= ${instant(from, params)}`]),
    ...(before === undefined ? [] : [`occurred_at < ${instant(before, params)}`]),
  ];
  if (after !== undefined) {
    const micros = instant(after.micros, params);
    const id = params.bind(after.id, 'UUID');
    parts.push(
      `(occurred_at ${sign} ${micros} OR (occurred_at = ${micros} AND event_id ${sign} ${id}))`,
    );
  }
  return `SELECT tenant_id, toUnixTimestamp64Micro(occurred_at) AS micros, event_id
FROM ${sourceSql(asked, params)}
WHERE ${parts.join('\n  AND ')}
ORDER BY occurred_at ${direction}, event_id ${direction}
LIMIT ${params.bind(limit, 'UInt32')}`;
}
