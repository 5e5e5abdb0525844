import { defineDetector } from '../detection/detector.ts';
import { FROM, TO } from '../detection/parameters.ts';

/** How long a number may be on its way before it counts as absent. */
const SETTLE = 'INTERVAL 1 HOUR';
const NIL = "toUUID('00000000-0000-0000-0000-000000000000')";

/** Causes of `ledger.counters.reported` that leave a gap: docs/producer.md, "Receipts and counters". */
const LOST = ['queue_full', 'spool_full', 'too_large', 'refused', 'abandoned'];

/** Sum of the reported causes of one report, `{ category: { cause: count } }`, and what it still held. */
const explainedBy = (data: string): string =>
  `arraySum(of -> arraySum(one -> if(one.1 IN (${LOST.map((cause) => `'${cause}'`).join(', ')}), toInt64(one.2), 0), JSONExtractKeysAndValues(of.2, 'UInt64')), JSONExtractKeysAndValuesRaw(${data}, 'notStored'))`;

const numbered = (from: string, to: string): string => `
  SELECT producer_id, toString(service) AS service, producer_seq AS seq, occurred_at AS at
  FROM audit_events
  WHERE producer_seq > 0 AND producer_id != ${NIL} AND occurred_at >= ${from} AND occurred_at < ${to}
  UNION ALL
  SELECT toUUIDOrZero(JSONExtractString(message, 'producer_id')) AS producer_id, JSONExtractString(message, 'service') AS service,
    JSONExtractUInt(message, 'producer_seq') AS seq, toDateTime64(kafka_timestamp, 6, 'UTC') AS at
  FROM audit_quarantine
  WHERE seq > 0 AND producer_id != ${NIL} AND kafka_timestamp >= ${from} AND kafka_timestamp < ${to}`;

export const sequenceGap = defineDetector({
  name: 'sequence-gap',
  title: "Numbers of a producer's sequence are absent",
  statistic:
    'numbers between the first and last of the stretch that neither the ledger nor the quarantine holds, less what the producer itself reported as lost or still held',
  source:
    'producer_seq and ledger.counters.reported (docs/verify.md); NIST SP 800-92 (log integrity)',
  historyDays: 1,
  needsDays: 0,
  scope: 'ledger',
  thresholds: {
    absent_at_least: {
      type: 'Float64',
      value: 1,
      says: 'numbers that are absent without a reason',
    },
  },
  query: `
WITH suspects AS (
  SELECT producer_id, any(service) AS service, min(seq) AS first, max(seq) AS last
  FROM (${numbered(`${FROM} - ${SETTLE} - ${SETTLE}`, `${TO} - ${SETTLE}`)})
  GROUP BY producer_id
  HAVING last - first + 1 > groupBitmap(seq)
),
numbers AS (
  SELECT producer_id, seq, min(at) AS at
  FROM (${numbered(`${FROM} - ${SETTLE} - ${SETTLE}`, TO)})
  WHERE producer_id IN (SELECT producer_id FROM suspects)
  GROUP BY producer_id, seq
),
gaps AS (
  SELECT producer_id, before, behind, since, until, sum(behind - before - 1) OVER (PARTITION BY producer_id) AS absent
  FROM (
    SELECT producer_id, seq AS before, at AS since,
      leadInFrame(seq, 1, seq + 1) OVER following AS behind, leadInFrame(at, 1, at) OVER following AS until
    FROM numbers
    WINDOW following AS (PARTITION BY producer_id ORDER BY seq ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
  ) AS pairs
  INNER JOIN suspects USING (producer_id)
  WHERE behind > before + 1 AND before >= suspects.first AND behind <= suspects.last
),
reports AS (
  SELECT producer_id,
    argMax(data, producer_seq) AS latest, argMaxIf(data, producer_seq, occurred_at < ${FROM} - ${SETTLE} - ${SETTLE}) AS earlier,
    greatest(0, ${explainedBy('latest')} - ${explainedBy('earlier')}) + JSONExtractUInt(latest, 'pending') AS explained
  FROM audit_events
  WHERE event_type = 'ledger.counters.reported' AND producer_id IN (SELECT producer_id FROM suspects)
  GROUP BY producer_id
)
SELECT '' AS tenant, 'producer' AS subject_type, toString(producer_id) AS subject_id,
  toUnixTimestamp(since) AS start, greatest(toUnixTimestamp(until), start) + 1 AS until, toString(before + 1) AS key,
  behind - before - 1 AS observed, 0 AS expected, absent - reported AS score,
  suspects.service AS service, reports.explained AS reported, absent, before + 1 AS first_absent, behind - 1 AS last_absent,
  [('producer', subject_id)] AS search
FROM gaps
INNER JOIN suspects USING (producer_id)
LEFT JOIN reports USING (producer_id)
WHERE absent - reports.explained >= {absent_at_least:Float64}
ORDER BY observed DESC, key
LIMIT 10 BY producer_id`,
  words: {
    what: '{observed} events of a process of {service} never came: numbers {first_absent} to {last_absent}',
    why: '{absent} of its numbers are absent about then, of which it reported {reported} itself as lost or waiting; `ledgerline verify` accounts for all',
  },
});
