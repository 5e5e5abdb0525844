import { LedgerlineError } from '../../schemas/errors.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { asked, type Asked, type AskOptions, callOptions, inTime, whereSql } from './ask.ts';
import { timeBounds } from './bounds.ts';
import { instant, Parameters } from './compile.ts';
import { GROUP_KEY, OVER_GROUPS, PER_GROUP, type Total, totalOf, type TotalRow } from './count.ts';
import { instantAt, wallClock } from './time-zone.ts';
import { sourceSql } from './source.ts';

/** Lengths of a bucket in seconds. */
const BUCKETS = {
  second: 1,
  minute: 60,
  '10 minutes': 600,
  hour: 3600,
  '6 hours': 21_600,
  day: 86_400,
  week: 604_800,
} as const;

export type Bucket = keyof typeof BUCKETS;

export interface ActivityOptions extends AskOptions {
  /** Default: the shortest that cuts the query's time into at most 100. */
  readonly bucket?: Bucket;
}

export interface ActivityBucket extends Total {
  readonly from: Date;
  /** Not in it. */
  readonly until: Date;
}

const AIM = 100;
const MAX_BUCKETS = 10_000;
const DAY_MS = 86_400_000;

/**
 * How many events of a query there were over time: a bucket for each stretch, also where nothing
 * happened. From the query's `since`, or else 30 days ago, until its `until`, or else now. Days and
 * weeks begin at midnight of the time zone, weeks on Monday.
 *
 * @throws as `search`; LedgerlineError `CONFIG_INVALID` where that is more than 10,000 buckets
 *
 * @example
 * const hours = await activity(clickhouse, 'outcome:denied since:1d', { tenant: 'acme', bucket: 'hour' });
 */
export async function activity(
  clickhouse: ClickHouse,
  query: string,
  options: ActivityOptions,
): Promise<ActivityBucket[]> {
  return inTime(options, async () => {
    const question = await asked(clickhouse, query, options);
    const period = periodOf(question);
    const edges = edgesOf(period, options.bucket ?? fitting(period), question.timeZone);
    if (edges.length < 2) return [];
    const params = new Parameters();
    const rows = await clickhouse.query<TotalRow & { bucket: number }>(
      `SELECT bucket, ${OVER_GROUPS}
FROM (
  SELECT toUInt32(arrayFirstIndex(edge -> edge > toUnixTimestamp64Milli(occurred_at), ${params.bind(edges.slice(1), 'Array(Int64)')})) AS bucket, ${PER_GROUP}
  FROM ${sourceSql(question, params)}
  WHERE ${whereSql(question, params)}
    AND occurred_at >= ${instant(period.from * 1000, params)}
    AND occurred_at < ${instant(period.until * 1000, params)}
  GROUP BY bucket, ${GROUP_KEY}
)
GROUP BY bucket`,
      callOptions(options, params),
    );
    const byBucket = new Map(rows.map((row) => [Number(row.bucket), row]));
    return edges.slice(1).map((until, index) => ({
      from: new Date(edges[index] as number),
      until: new Date(until),
      ...totalOf(byBucket.get(index + 1)),
    }));
  });
}

interface Period {
  readonly from: number;
  readonly until: number;
}

function periodOf({ condition, nowMs }: Asked): Period {
  const { from, before } = timeBounds(condition);
  const until = before === undefined ? nowMs : Math.ceil(before / 1000);
  return { from: from === undefined ? until - 30 * DAY_MS : Math.floor(from / 1000), until };
}

function fitting({ from, until }: Period): Bucket {
  const names = Object.keys(BUCKETS) as Bucket[];
  return names.find((name) => (until - from) / 1000 / BUCKETS[name] <= AIM) ?? 'week';
}

/** The buckets' edges in milliseconds, the first at or before the period, the last behind it. Pure. */
function edgesOf({ from, until }: Period, bucket: Bucket, timeZone: string): number[] {
  if (until <= from) return [];
  const lengthMs = BUCKETS[bucket] * 1000;
  if ((until - from) / lengthMs > MAX_BUCKETS) {
    throw new LedgerlineError('CONFIG_INVALID', 'the option bucket cuts the time into too many', {
      hint: `Choose a longer one, or bound the time (since:7d): at most ${MAX_BUCKETS} buckets.`,
    });
  }
  const edges: number[] = [];
  if (lengthMs < DAY_MS) {
    for (let edge = Math.floor(from / lengthMs) * lengthMs; ; edge += lengthMs) {
      edges.push(edge);
      if (edge >= until) return edges;
    }
  }
  // Days have 23 to 25 hours where clocks change: midnights are counted on the wall.
  const midnight = Math.floor(wallClock(from, timeZone) / DAY_MS) * DAY_MS;
  // 1 January 1970 was a Thursday.
  const weekday = (midnight / DAY_MS + 3) % 7;
  const first = bucket === 'week' ? midnight - weekday * DAY_MS : midnight;
  for (let wall = first; ; wall += lengthMs) {
    const edge = instantAt(wall, timeZone);
    edges.push(edge);
    if (edge >= until) return edges;
  }
}
