import { INSERT_COLUMNS } from '../../schemas/columns.ts';
import { onClusterClause } from '../cluster.ts';
import { ACTIVE_HOLDS, EVENT_PLACE } from '../holds/holds.ts';

/** The view that all others read: each event that the ledger still answers for, once. */
export const KEPT_VIEW = 'audit_kept';

/** What a stored row has: all columns but the lease, which is read at insert and never stored. */
export const STORED_COLUMNS: readonly string[] = [
  ...INSERT_COLUMNS.filter((name) => name !== 'lease'),
  'ingested_at',
];

/**
 * The statement that makes the view. It shows what searches show: rows whose days are not over, and the
 * copies of those whose days are over and that a hold holds. The days stand in it as they stand in the
 * table's TTL, since no statement can ask a TTL for them; whoever changes the one changes the other.
 * `GLOBAL IN`, because on a cluster the held events' positions are spread as well. Pure.
 *
 * @param expiry `expiryExpression` of the days in force
 */
export function keptView(expiry: string, cluster: string | undefined): string {
  const columns = STORED_COLUMNS.join(', ');
  return `CREATE OR REPLACE VIEW ${KEPT_VIEW}${onClusterClause(cluster)} AS
SELECT ${columns}
FROM audit_events
WHERE ${expiry} > now64(6)
UNION ALL
SELECT ${columns}
FROM audit_held FINAL
WHERE NOT (${expiry} > now64(6))
  AND ${EVENT_PLACE} GLOBAL IN (
    SELECT kafka_topic_id, kafka_partition, kafka_offset FROM audit_hold_events
    WHERE hold_id IN (${ACTIVE_HOLDS})
  )`;
}
