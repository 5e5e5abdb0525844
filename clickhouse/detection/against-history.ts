import { DAY, FROM, HISTORY, SCOPE, TO } from './parameters.ts';

/**
 * Hours of a subject against its own hours of before. An hour is unusual by its modified z-score,
 * (x − median) / (1.4826 · MAD): Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993). Median and
 * MAD are not moved by a few wild hours in the history. A steady subject has a MAD of nearly nothing, so the
 * spread is at least that of a count (Poisson: √median, times the mean weight where events are sampled).
 * And it must be above the second highest hour of the history, so that jobs of every night and every week
 * stay quiet, while one wild hour of before does not hide the next.
 *
 * @param columns of `audit_hourly`, and how they are called in the finding
 * @param only which of its rows
 */
export const againstHistory = (
  { type, id, field }: { readonly type: string; readonly id: string; readonly field: string },
  only = '1',
  terms: readonly (readonly [string, string])[] = [],
): string => `
SELECT tenant_id AS tenant, subject_type, subject_id,
  toUnixTimestamp(recent.1) AS start, start + 3600 AS until, '' AS key,
  round(recent.2) AS observed, round(middle) AS expected,
  round(if(length(past) = 0, observed / {at_least:Float64}, least(observed / {at_least:Float64}, (observed - middle) / spread / {z:Float64})), 1) AS score,
  round((observed - middle) / spread, 1) AS z_score,
  round(peak) AS highest, days,
  [${[`('${field}', ${field === 'actor' ? "concat(subject_type, '/', subject_id)" : 'subject_id'})`, ...terms.map(([name, value]) => `('${name}', '${value}')`)].join(', ')}] AS search
FROM (
  SELECT tenant_id, subject_type, subject_id,
    groupArrayIf(events, hour < ${DAY}) AS past,
    uniqExactIf(toDate(hour), hour < ${DAY}) AS days,
    groupArrayIf((hour, events, stored), hour >= ${FROM}) AS recents,
    if(empty(past), 0, arrayReduce('medianExact', past)) AS middle,
    if(empty(past), 0, arrayReduce('medianExact', arrayMap(x -> abs(x - middle), past))) AS deviation,
    greatest(1.4826 * deviation, sqrt(middle * sum(events) / sum(stored)), 1) AS spread,
    arrayReverseSort(past)[2] AS peak
  FROM (
    SELECT tenant_id, ${type} AS subject_type, ${id} AS subject_id, hour, sum(events) AS events, sum(stored) AS stored
    FROM audit_hourly
    WHERE hour >= ${HISTORY} AND hour < ${TO} AND ${SCOPE} AND ${only}
    GROUP BY tenant_id, subject_type, subject_id, hour
  )
  GROUP BY tenant_id, subject_type, subject_id
  HAVING notEmpty(recents) AND days >= {days_known:Float64}
)
ARRAY JOIN recents AS recent
WHERE recent.2 >= {at_least:Float64} AND recent.3 >= {stored:Float64}
  AND recent.2 >= {over_peak:Float64} * peak
  AND (recent.2 - middle) / spread >= {z:Float64}`;

/** The thresholds of {@link againstHistory}. */
export const historyThresholds = (given: {
  readonly atLeast: number;
  readonly daysKnown: number;
  readonly overPeak?: number;
}) =>
  ({
    z: {
      type: 'Float64',
      value: 6,
      says: 'modified z-score from which on an hour is unusual; 3.5 in the literature, more here because a ledger has thousands of hours a day',
    },
    at_least: {
      type: 'Float64',
      value: given.atLeast,
      says: 'events in the hour, fewer are not worth a look',
    },
    stored: {
      type: 'Float64',
      value: 5,
      says: 'of them that are stored: one event of a high weight says little',
    },
    over_peak: {
      type: 'Float64',
      value: given.overPeak ?? 1.5,
      says: 'times the second highest hour of the history that it must reach',
    },
    days_known: {
      type: 'Float64',
      value: given.daysKnown,
      says: 'days of the history on which the subject was active; with fewer it is not judged',
    },
  }) as const;
