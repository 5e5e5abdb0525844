import { defineDetector } from '../detection/detector.ts';
import { DAY, FROM, HISTORY, SCOPE, TO } from '../detection/parameters.ts';

/** Providers hand out addresses of one network in turn: /24 of IPv4, /48 of IPv6 (RFC 6177). */
const NETWORK =
  "if(source_ip BETWEEN toIPv6('::ffff:0.0.0.0') AND toIPv6('::ffff:255.255.255.255'), (IPv6CIDRToRange(source_ip, 120).1, 120), (IPv6CIDRToRange(source_ip, 48).1, 48))";

export const newAddress = defineDetector({
  name: 'new-address',
  title: 'An actor comes from where it never came from',
  statistic:
    'first time in the history that an actor of few networks comes from another (/24 of IPv4, /48 of IPv6)',
  source: 'MITRE ATT&CK T1078 (valid accounts); first-seen analysis',
  historyDays: 28,
  needsDays: 14,
  scope: 'tenant',
  thresholds: {
    days_known: {
      type: 'Float64',
      value: 7,
      says: 'days of the history with an address of the actor',
    },
    networks: {
      type: 'Float64',
      value: 4,
      says: 'networks of the history; who has more is at home anywhere, and is not judged',
    },
  },
  query: `
SELECT tenant_id AS tenant, actor_type AS subject_type, actor_id AS subject_id,
  toUnixTimestamp(toStartOfHour(first)) AS start, start + 3600 AS until, '' AS key,
  count() AS observed, 0 AS expected, any(active / known) AS score,
  any(active) AS days, any(known) AS networks,
  arraySort(groupArray(text)) AS all_fresh, arrayStringConcat(arraySlice(all_fresh, 1, 5), ', ') AS fresh,
  arrayConcat([('actor', concat(subject_type, '/', subject_id))], arrayMap(one -> ('ip', one), arraySlice(all_fresh, 1, 50))) AS search
FROM (
  SELECT tenant_id, actor_type, actor_id, active, known, one.2 AS first,
    if(one.1.2 = 120, concat(replaceOne(IPv6NumToString(one.1.1), '::ffff:', ''), '/24'), concat(IPv6NumToString(one.1.1), '/48')) AS text
  FROM (
    SELECT tenant_id, actor_type, actor_id,
      groupArray((network, first)) AS seen,
      length(arrayFilter(one -> one.2 < ${DAY}, seen)) AS known,
      uniqExactArrayIf(days_of, first < ${DAY}) AS active
    FROM (
      SELECT tenant_id, actor_type, actor_id, ${NETWORK} AS network, min(occurred_at) AS first,
        groupUniqArrayIf(toDate(occurred_at), occurred_at < ${DAY}) AS days_of
      FROM audit_events
      WHERE occurred_at >= ${HISTORY} AND occurred_at < ${TO} AND ${SCOPE} AND source_ip != toIPv6('::')
      GROUP BY tenant_id, actor_type, actor_id, network
    )
    GROUP BY tenant_id, actor_type, actor_id
    HAVING active >= {days_known:Float64} AND known <= {networks:Float64}
  )
  ARRAY JOIN seen AS one
  WHERE one.2 >= ${FROM}
)
GROUP BY tenant_id, actor_type, actor_id, toStartOfHour(first)`,
  words: {
    what: '{subject_type}/{subject_id} came from {fresh}',
    why: 'on {days} days before it came from {networks} networks, never from there',
  },
});
