import { defineDetector } from '../detection/detector.ts';
import { DAY, FROM, HISTORY, SCOPE, TO } from '../detection/parameters.ts';

export const dormantActor = defineDetector({
  name: 'dormant-actor',
  title: 'A dormant account awakes',
  statistic:
    "days without a trace before the first event: a fixed floor, and longer than the actor's longest pause of before",
  source: 'NIST SP 800-53 AC-2(3) (disable inactive accounts), CIS Controls v8 5.3 (45 days)',
  historyDays: 180,
  needsDays: 45,
  scope: 'tenant',
  thresholds: {
    silent_days: { type: 'Float64', value: 45, says: 'days without an event' },
    over_pause: {
      type: 'Float64',
      value: 1.5,
      says: 'times the longest pause between two active days of before that it must reach',
    },
  },
  query: `
SELECT tenant_id AS tenant, subject_type, subject_id,
  toUnixTimestamp(awake) AS start, start + 3600 AS until, '' AS key,
  silent AS observed, pause AS expected,
  round(silent / greatest({silent_days:Float64}, {over_pause:Float64} * pause), 1) AS score,
  toString(last) AS last_day, length(active) AS days,
  [('actor', concat(subject_type, '/', subject_id))] AS search
FROM (
  SELECT tenant_id, actor_type AS subject_type, actor_id AS subject_id,
    minIf(hour, hour >= ${DAY}) AS awake,
    arraySort(groupUniqArrayIf(toDate(hour), hour < ${DAY})) AS active,
    arrayMax(arrayDifference(arrayMap(day -> toInt32(day), active))) AS pause,
    active[-1] AS last,
    toInt32(toDate(${DAY})) - toInt32(last) AS silent
  FROM (
    SELECT tenant_id, actor_type, actor_id, hour
    FROM audit_hourly
    WHERE hour >= ${HISTORY} AND hour < ${TO} AND ${SCOPE}
    GROUP BY tenant_id, actor_type, actor_id, hour
  )
  GROUP BY tenant_id, actor_type, actor_id
  HAVING notEmpty(active) AND awake >= ${FROM}
)
WHERE silent >= {silent_days:Float64} AND silent >= {over_pause:Float64} * pause`,
  words: {
    what: '{subject_type}/{subject_id} is active again after {observed} days',
    why: 'last seen on {last_day}; its longest pause before was {expected} days, over {days} active days',
  },
});
