import { defineDetector } from '../detection/detector.ts';
import { DAY, FROM, HISTORY, SCOPE, TO } from '../detection/parameters.ts';

export const unusualHour = defineDetector({
  name: 'unusual-hour',
  title: 'An actor is active at an hour of the day at which it never was',
  statistic:
    'distance on the clock (UTC) to the nearest hour at which the actor was ever active; the first such hour of a day',
  source: 'MITRE ATT&CK T1078 (valid accounts); circular distance, as in directional statistics',
  historyDays: 28,
  needsDays: 14,
  scope: 'tenant',
  thresholds: {
    days_known: { type: 'Float64', value: 10, says: 'days on which the actor was active before' },
    events_known: { type: 'Float64', value: 50, says: 'events that it did before' },
    distance: {
      type: 'Float64',
      value: 4,
      says: 'hours to the nearest hour of the day of before; 2 would take overtime and a change to summer time for something',
    },
  },
  query: `
SELECT tenant_id AS tenant, subject_type, subject_id,
  toUnixTimestamp(first.1) AS start, start + 3600 AS until, '' AS key,
  round(first.3) AS observed, 0 AS expected, round(first.2 / {distance:Float64}, 1) AS score,
  days, first.2 AS distance, formatDateTime(first.1, '%H:00', 'UTC') AS clock,
  [('actor', concat(subject_type, '/', subject_id))] AS search
FROM (
  SELECT tenant_id, actor_type AS subject_type, actor_id AS subject_id,
    groupUniqArrayIf(toHour(hour), hour < ${DAY}) AS clock_hours,
    uniqExactIf(toDate(hour), hour < ${DAY}) AS days,
    sumIf(events, hour < ${DAY}) AS known,
    arraySort(groupArrayIf((hour, events), hour >= ${DAY})) AS today,
    arrayMap(one -> (one.1, arrayMin(arrayMap(h -> least(abs(h - toHour(one.1)), 24 - abs(h - toHour(one.1))), clock_hours)), one.2), today) AS distances,
    arrayFirst(one -> one.2 >= {distance:Float64}, distances) AS first
  FROM (
    SELECT tenant_id, actor_type, actor_id, hour, sum(events) AS events
    FROM audit_hourly
    WHERE hour >= ${HISTORY} AND hour < ${TO} AND ${SCOPE}
    GROUP BY tenant_id, actor_type, actor_id, hour
  )
  GROUP BY tenant_id, actor_type, actor_id
  HAVING days >= {days_known:Float64} AND known >= {events_known:Float64} AND first.1 >= ${FROM}
)`,
  words: {
    what: '{subject_type}/{subject_id} was active at {clock} UTC: {observed} events in that hour',
    why: 'on {days} days before never within {distance} hours of it',
  },
});
