import { readMicros } from '../../schemas/instant.ts';
import type { AuditEvent } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { type AskOptions, callOptions, whereSql } from './ask.ts';
import { instant, Parameters } from './compile.ts';
import { type Decoded, decodedRows, EVENT_COLUMNS } from './events.ts';
import { tenantSql } from './scope.ts';
import { sourceSql } from './source.ts';
import { type InOrder, type Stretch, stretchesOf } from './stretches.ts';

/** An event is at most 256 KiB: a page of large ones ends here, and the next goes on behind it. */
const MAX_PAGE_BYTES = 32 * 1024 * 1024;

export interface FirstEvents {
  /** At most as many as were wanted; fewer where they are very large. */
  readonly events: readonly AuditEvent[];
  /** There are further ones behind these. */
  readonly more: boolean;
}

/**
 * The first events of an order, each once. One statement reads a stretch of time: the engine goes
 * through the table in its own order and stops when it has enough, and reads the wide columns of
 * those rows alone that it answers. docs/decisions/0017-search.md has the measurements.
 */
export async function firstEvents(
  clickhouse: ClickHouse,
  wanted: InOrder,
  options: Pick<AskOptions, 'timeoutMs' | 'signal'>,
): Promise<FirstEvents> {
  const startedMs = performance.now();
  const read: Reader = async (sql, params) => {
    const answer = await clickhouse.stream(sql, {
      ...callOptions(options, params, startedMs),
      format: 'JSONEachRow',
    });
    return decodedRows(answer, MAX_PAGE_BYTES);
  };
  const events: AuditEvent[] = [];
  const stretches = stretchesOf(wanted);
  for (let next = stretches.next(0); !next.done;) {
    // One more than is wanted, to know whether there is more.
    const limit = wanted.limit - events.length + 1;
    const found = await eventsOfStretch({ ...wanted, limit }, next.value, read);
    events.push(...found.events);
    if (found.more) return { events: events.slice(0, wanted.limit), more: true };
    next = stretches.next(found.events.length);
  }
  return { events, more: false };
}

type Reader = (sql: string, params: Parameters) => Promise<Decoded>;

/** `more`: the stretch holds as many as the limit, or more than one answer should. */
async function eventsOfStretch(
  wanted: InOrder,
  stretch: Stretch,
  read: Reader,
): Promise<FirstEvents> {
  const params = new Parameters();
  const { events, cut } = await read(stretchSql(wanted, stretch, params), params);
  const last = events.at(-1);
  if (last === undefined || (!cut && events.length < wanted.limit)) {
    return { events: eachOnce(events), more: false };
  }
  // Of events of the same microsecond the engine has taken any: the last ones may not be the first by id.
  const micros = microsOf(last);
  const settled = events.filter((event) => microsOf(event) !== micros);
  if (cut ? settled.length > 0 : settled.length === wanted.limit - 1) {
    return { events: eachOnce(settled), more: true };
  }
  const own = new Parameters();
  const limit = wanted.limit - settled.length;
  const ties = await read(instantSql({ ...wanted, limit }, micros, own), own);
  return { events: eachOnce([...settled, ...ties.events]), more: true };
}

const microsOf = ({ occurredAt }: AuditEvent): number => readMicros(String(occurredAt));

/** Copies of an event stand side by side in either order. */
const eachOnce = (events: readonly AuditEvent[]): AuditEvent[] =>
  events.filter(({ id }, i) => id !== events[i - 1]?.id);

/** A stretch's first events in the order of time; those of one microsecond by their ids. Pure. */
function stretchSql(wanted: InOrder, stretch: Stretch, params: Parameters): string {
  const direction = directionOf(wanted);
  // By time alone the table's own order is enough, and reading ends early.
  const first = rowsSql(wanted, stretch, `occurred_at ${direction}`, params);
  return `SELECT * FROM (
${first}
)
ORDER BY occurred_at ${direction}, event_id ${direction}`;
}

/** The first events of one microsecond by their ids. Pure. */
const instantSql = (wanted: InOrder, micros: number, params: Parameters): string =>
  rowsSql(wanted, { from: micros, before: micros + 1 }, `event_id ${directionOf(wanted)}`, params);

const directionOf = ({ order }: InOrder): string => (order === 'newest' ? 'DESC' : 'ASC');

const boundsSql = ({ from, before }: Stretch, params: Parameters): string[] => [
  ...(from === undefined ? [] : [`occurred_at >= ${instant(from, params)}`]),
  ...(before === undefined ? [] : [`occurred_at < ${instant(before, params)}`]),
];

function rowsSql(
  { asked, order, limit, after }: InOrder,
  stretch: Stretch,
  sorted: string,
  params: Parameters,
): string {
  const parts = [whereSql(asked, params, stretch.from), ...boundsSql(stretch, params)];
  if (after !== undefined) {
    const sign = order === 'newest' ? '<' : '>';
    const micros = instant(after.micros, params);
    const id = params.bind(after.id, 'UUID');
    parts.push(
      `(occurred_at ${sign} ${micros} OR (occurred_at = ${micros} AND event_id ${sign} ${id}))`,
    );
  }
  const rows = `FROM ${sourceSql(asked, params)}
WHERE ${parts.join('\n  AND ')}
ORDER BY ${sorted}
LIMIT ${params.bind(limit, 'UInt32')}`;
  if (!asked.held) return `SELECT ${EVENT_COLUMNS} ${rows}`;
  // Through a UNION all columns of all rows would be read: the rows are chosen first.
  return `SELECT ${EVENT_COLUMNS} FROM ${sourceSql(asked, params)}
WHERE ${tenantSql(asked.tenants, params)} AND (occurred_at, event_id) IN (SELECT occurred_at, event_id ${rows})
ORDER BY ${sorted}`;
}
