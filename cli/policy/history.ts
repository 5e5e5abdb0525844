import type { ClickHouse } from '../../clickhouse/index.ts';
import type { Operation, Outcome, Policy, Severity } from '../../schemas/index.ts';
import { linesOf } from '../lines.ts';
import type { Period } from './period.ts';

/** Events of the ledger that are alike in all that a policy looks at. */
export interface Alike {
  readonly category: string;
  readonly event_type: string;
  readonly operation: Operation;
  readonly outcome: Outcome;
  readonly severity?: Severity;
  readonly service?: string;
  readonly tenant_id?: string;
  readonly actor_type?: string;
  readonly actor_id?: string;
  readonly target_type?: string;
  readonly target_id?: string;
  /** Seconds since 1970; there where the policy limits. Rows then come in order of time. */
  readonly second?: number;
  readonly stored: number;
  /** How many events they stand for: the sum of their weights. */
  readonly happened: number;
  /** Of their values, before compression. */
  readonly bytes: number;
}

const ALWAYS = ['category', 'event_type', 'operation', 'outcome'] as const;

/** The columns that a policy tells events apart by, and no more: fewer columns, fewer groups. */
function columnsFor({ rules, exclude, limits }: Policy): readonly string[] {
  const matches = rules.map(({ match }) => match);
  const keys = [
    ...rules.flatMap((rule) => (rule.action === 'limit' ? (rule.limit.per ?? []) : [])),
    ...(limits.default?.per ?? []),
    ...(limits.protected?.per ?? []),
  ];
  const asked: Readonly<Record<string, boolean>> = {
    severity: matches.some(({ severity }) => severity !== undefined),
    service: matches.some(({ service }) => service !== undefined),
    tenant_id: matches.some(({ tenant }) => tenant !== undefined) || keys.includes('tenant'),
    actor_type: matches.some(({ actor }) => actor !== undefined) || keys.includes('actor'),
    actor_id: matches.some(({ actor }) => actor?.id !== undefined) || keys.includes('actor'),
    target_type:
      exclude.resources.length > 0 ||
      matches.some(({ target }) => target !== undefined) ||
      keys.includes('target'),
    target_id: keys.includes('target'),
  };
  return [...ALWAYS, ...Object.keys(asked).filter((column) => asked[column])];
}

export const hasLimits = ({ rules, limits }: Policy): boolean =>
  limits.default !== undefined ||
  limits.protected !== undefined ||
  rules.some(({ action }) => action === 'limit');

/** Groups and sorts beyond this are done on disk. */
const MEMORY_BYTES = 512 * 1024 * 1024;

const settings = {
  readonly: 2,
  max_bytes_before_external_group_by: MEMORY_BYTES,
  max_bytes_before_external_sort: MEMORY_BYTES,
  output_format_json_quote_64bit_integers: 0,
};

const PERIOD =
  'occurred_at >= fromUnixTimestamp64Milli({since:Int64}) AND occurred_at < fromUnixTimestamp64Milli({until:Int64})';

const paramsOf = ({ sinceMs, untilMs }: Period) => ({
  since: Math.floor(sinceMs),
  until: Math.floor(untilMs),
});

/**
 * The history of a period as far as policies decided on it, grouped by what a policy looks at, as ClickHouse streams it: by second
 * and in order of time where the policy limits.
 */
export async function* historyFor(
  policy: Policy,
  clickhouse: ClickHouse,
  period: Period,
  timeoutMs: number,
): AsyncGenerator<Alike> {
  const columns = columnsFor(policy);
  const bySecond = hasLimits(policy);
  const keys = bySecond ? ['second', ...columns] : columns;
  const second = bySecond ? 'toUnixTimestamp(occurred_at) AS second, ' : '';
  const answer = await clickhouse.stream(
    `SELECT ${second}${columns.join(', ')}, count() AS stored, sum(weight) AS happened,
       sum(byteSize(*)) AS bytes
     FROM audit_events WHERE ${PERIOD} AND policy_level != ''
     GROUP BY ${keys.join(', ')}${bySecond ? ' ORDER BY second' : ''}`,
    { format: 'JSONEachRow', params: paramsOf(period), settings, timeoutMs },
  );
  for await (const line of linesOf(answer as AsyncIterable<Buffer>, 1024 * 1024)) {
    if ('bytes' in line) yield JSON.parse(line.bytes.toString('utf8')) as Alike;
  }
}

/** What was in force, and what was not stored, as far as the ledger knows. */
export interface Past {
  /** Events by the level under which they were kept; `` for those that name none. */
  readonly levels: Readonly<Record<string, number>>;
  /** By cause: what producers that reported in the period have not stored since their start. */
  readonly notStored: Readonly<Record<string, number>>;
  /** What one row takes on disk, on average, of all that is stored. */
  readonly diskBytesPerRow: number;
}

export async function pastOf(
  clickhouse: ClickHouse,
  period: Period,
  timeoutMs: number,
): Promise<Past> {
  const options = { params: paramsOf(period), settings, timeoutMs };
  const levels = await clickhouse.query<{ level: string; events: number }>(
    `SELECT policy_level AS level, count() AS events FROM audit_events WHERE ${PERIOD} GROUP BY 1`,
    options,
  );
  const notStored = await clickhouse.query<{ cause: string; events: number }>(
    `SELECT tupleElement(counted, 1) AS cause, sum(tupleElement(counted, 2)) AS events FROM (
       SELECT arrayJoin(JSONExtractKeysAndValues(tupleElement(of_category, 2), 'UInt64')) AS counted
       FROM (
         SELECT arrayJoin(JSONExtractKeysAndValuesRaw(report, 'notStored')) AS of_category
         FROM (
           SELECT argMax(data, producer_seq) AS report FROM audit_events
           WHERE event_type = 'ledger.counters.reported' AND ${PERIOD} GROUP BY producer_id)))
     GROUP BY cause ORDER BY events DESC`,
    options,
  );
  const [disk] = await clickhouse.query<{ rows: number; bytes: number }>(
    `SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE active AND database = currentDatabase() AND table = 'audit_events'`,
    { settings, timeoutMs },
  );
  return {
    levels: Object.fromEntries(levels.map(({ level, events }) => [level, Number(events)])),
    notStored: Object.fromEntries(notStored.map(({ cause, events }) => [cause, Number(events)])),
    diskBytesPerRow:
      disk === undefined || Number(disk.rows) === 0 ? 0 : Number(disk.bytes) / Number(disk.rows),
  };
}
