import { defineDetector } from '../detection/detector.ts';
import { DAY, FROM, HISTORY, SCOPE, TO } from '../detection/parameters.ts';

export const newAction = defineDetector({
  name: 'new-action',
  title: 'An actor does what neither it nor its peers ever did',
  statistic:
    'first time in the history that a known actor does a type that few others do; not where many start on the same day, as with a new feature',
  source: 'MITRE ATT&CK T1078 (valid accounts); first-seen analysis',
  historyDays: 28,
  needsDays: 14,
  scope: 'tenant',
  thresholds: {
    days_known: { type: 'Float64', value: 7, says: 'days on which the actor was active before' },
    peers: { type: 'Float64', value: 1, says: 'other actors that may have done it before' },
    starters: { type: 'Float64', value: 2, says: 'actors that may start with it on the same day' },
  },
  query: `
WITH hours AS (
  SELECT tenant_id, actor_type, actor_id, event_type, hour
  FROM audit_hourly
  WHERE hour >= ${HISTORY} AND hour < ${TO} AND ${SCOPE}
  GROUP BY tenant_id, actor_type, actor_id, event_type, hour
),
known AS (
  SELECT tenant_id, actor_type, actor_id, uniqExact(toDate(hour)) AS days
  FROM hours WHERE hour < ${DAY}
  GROUP BY tenant_id, actor_type, actor_id HAVING days >= {days_known:Float64}
),
rare AS (
  SELECT tenant_id, event_type, uniqExactIf((actor_type, actor_id), hour < ${DAY}) AS peers, uniqExactIf((actor_type, actor_id), hour >= ${DAY}) AS starters
  FROM hours GROUP BY tenant_id, event_type
  HAVING peers <= {peers:Float64} AND starters <= {starters:Float64}
)
SELECT tenant_id AS tenant, actor_type AS subject_type, actor_id AS subject_id,
  toUnixTimestamp(first) AS start, start + 3600 AS until, '' AS key,
  count() AS observed, 0 AS expected, count() AS score,
  any(known.days) AS days, max(rare.peers) AS others,
  arraySort(groupArray(toString(event_type))) AS all_types, arrayStringConcat(arraySlice(all_types, 1, 5), ', ') AS types,
  arrayConcat([('actor', concat(subject_type, '/', subject_id))], arrayMap(type -> ('type', type), arraySlice(all_types, 1, 50))) AS search
FROM (
  SELECT tenant_id, actor_type, actor_id, event_type, min(hour) AS first
  FROM hours GROUP BY tenant_id, actor_type, actor_id, event_type
  HAVING first >= ${FROM}
) AS fresh
INNER JOIN known USING (tenant_id, actor_type, actor_id)
INNER JOIN rare USING (tenant_id, event_type)
GROUP BY tenant_id, actor_type, actor_id, first`,
  words: {
    what: '{subject_type}/{subject_id} did for the first time: {types}',
    why: 'active on {days} days before without it; others that ever did: {others}',
  },
});
