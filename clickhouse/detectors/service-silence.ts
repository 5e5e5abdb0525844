import { defineDetector } from '../detection/detector.ts';
import { DAY, FROM, HISTORY, SCOPE, TO } from '../detection/parameters.ts';

export const serviceSilence = defineDetector({
  name: 'service-silence',
  title: 'A service that always speaks is silent',
  statistic:
    "whole hours without an event: a fixed floor, and longer than the service's longest pause of the history",
  source: 'MITRE ATT&CK T1562.008 (disable or modify cloud logs); dead man’s switch',
  historyDays: 28,
  needsDays: 7,
  scope: 'ledger',
  thresholds: {
    silent_hours: { type: 'Float64', value: 3, says: 'whole hours without an event' },
    over_pause: {
      type: 'Float64',
      value: 1.5,
      says: 'times its longest pause of the history that it must reach',
    },
    days_known: { type: 'Float64', value: 7, says: 'days on which it spoke before' },
  },
  query: `
SELECT '' AS tenant, 'service' AS subject_type, subject_id,
  spoke + 3600 AS start, if(next = 0, toUnixTimestamp(${TO}), next) AS until, '' AS key,
  round((until - start) / 3600) AS observed, round(pause / 3600) AS expected,
  round((until - start) / silence, 1) AS score,
  days, formatDateTime(toDateTime(spoke, 'UTC'), '%Y-%m-%d %H:00', 'UTC') AS last_hour,
  [('service', subject_id)] AS search
FROM (
  SELECT toString(service) AS subject_id,
    arraySort(groupUniqArray(toUnixTimestamp(hour))) AS hours,
    arrayFilter(h -> h < {day:UInt32}, hours) AS past,
    arrayMax(arrayMap(gap -> greatest(0, gap - 3600), arrayDifference(past))) AS pause,
    greatest({silent_hours:Float64} * 3600, {over_pause:Float64} * pause) AS silence,
    uniqExactIf(toDate(hour), hour < ${DAY}) AS days
  FROM audit_hourly
  WHERE hour >= ${HISTORY} AND hour < ${TO} AND ${SCOPE}
  GROUP BY service
  HAVING days >= {days_known:Float64}
)
ARRAY JOIN hours AS spoke, arrayPushBack(arrayPopFront(hours), 0) AS next
WHERE spoke + 3600 + silence >= toUnixTimestamp(${FROM}) AND spoke + 3600 + silence < toUnixTimestamp(${TO})
  AND (next = 0 OR next > spoke + 3600 + silence)`,
  words: {
    what: 'the service {subject_id} is silent since the hour of {last_hour} UTC',
    why: 'on {days} days before its longest pause was {expected} hours; where all services are silent at once, look to the workers (`ledgerline doctor`)',
  },
});
