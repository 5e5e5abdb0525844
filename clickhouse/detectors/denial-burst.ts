import { defineDetector } from '../detection/detector.ts';
import { DAY, FROM, HISTORY, SCOPE, TO } from '../detection/parameters.ts';

export const denialBurst = defineDetector({
  name: 'denial-burst',
  title: 'An actor is refused again and again',
  statistic:
    'denials within ten minutes: a fixed floor, and more than the second highest whole hour of the history had',
  source: 'MITRE ATT&CK T1110 (brute force), T1580 (cloud infrastructure discovery)',
  historyDays: 28,
  needsDays: 0,
  scope: 'tenant',
  thresholds: {
    at_least: { type: 'Float64', value: 10, says: 'denials within ten minutes' },
    stored: {
      type: 'Float64',
      value: 5,
      says: 'of them that are stored: one event of a high weight is no burst',
    },
    over_peak: {
      type: 'Float64',
      value: 1.5,
      says: 'times the second highest hour of denials in the history that it must reach',
    },
  },
  query: `
WITH before AS (
  SELECT tenant_id, actor_type, actor_id, arrayReverseSort(groupArray(events))[2] AS peak, uniqExact(toDate(hour)) AS days
  FROM (
    SELECT tenant_id, actor_type, actor_id, hour, sum(events) AS events
    FROM audit_hourly
    WHERE hour >= ${HISTORY} AND hour < ${DAY} AND ${SCOPE} AND outcome = 'denied'
    GROUP BY tenant_id, actor_type, actor_id, hour
  )
  GROUP BY tenant_id, actor_type, actor_id
)
SELECT tenant_id AS tenant, actor_type AS subject_type, actor_id AS subject_id,
  toUnixTimestamp(ten) AS start, start + 600 AS until, '' AS key,
  round(sum(weight)) AS observed, round(any(before.peak)) AS expected,
  round(observed / greatest({at_least:Float64}, {over_peak:Float64} * expected), 1) AS score,
  uniqExact(event_type) AS types, uniqExact(target_id) AS targets, any(before.days) AS days,
  [('actor', concat(subject_type, '/', subject_id)), ('outcome', 'denied')] AS search
FROM audit_events
LEFT JOIN before USING (tenant_id, actor_type, actor_id)
WHERE occurred_at >= ${FROM} AND occurred_at < ${TO} AND ${SCOPE} AND outcome = 'denied'
GROUP BY tenant_id, actor_type, actor_id, toStartOfInterval(occurred_at, INTERVAL 10 MINUTE) AS ten
HAVING observed >= {at_least:Float64} AND count() >= {stored:Float64} AND observed >= {over_peak:Float64} * expected`,
  words: {
    what: '{subject_type}/{subject_id} was refused {observed} times within ten minutes, {types} kinds of event on {targets} targets',
    why: 'at most {expected} in a whole hour before; refused on {days} days of the history',
  },
});
