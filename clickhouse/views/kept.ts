import { INSERT_COLUMNS } from '../../schemas/columns.ts';
import { onClusterClause } from '../cluster.ts';
import { seenCopies } from '../holds/seen-copies.ts';
import { classNames, expiryExpression, noteOf, type RetentionState } from '../retention/classes.ts';

/** The view that all others read: each event that the ledger still answers for, once. */
export const KEPT_VIEW = 'audit_kept';

/** What a stored row has: all columns but the lease, which is read at insert and never stored. */
export const STORED_COLUMNS: readonly string[] = [
  ...INSERT_COLUMNS.filter((name) => name !== 'lease'),
  'ingested_at',
];

/**
 * The statement that makes the view. It shows what searches show: rows whose days are not over, and the
 * copies of those that are gone and that a hold holds. The days stand in it as they stand in the
 * table's TTL, since no statement can ask a TTL for them, and what had expired by fewer days of once stands in its comment; whoever
 * changes the one changes the other. Pure.
 */
export function keptView(state: RetentionState, cluster: string | undefined): string {
  const columns = STORED_COLUMNS.join(', ');
  const unexpired = `${expiryExpression(state)} > now64(6)`;
  const note = noteOf(state);
  return `CREATE OR REPLACE VIEW ${KEPT_VIEW}${onClusterClause(cluster)} AS
SELECT ${columns}
FROM audit_events
WHERE ${unexpired}
UNION ALL
SELECT ${columns}
FROM audit_held FINAL
WHERE ${seenCopies({ unexpired, expiredBefore: expiredBeforeSql(state), in: 'GLOBAL IN' })}${note === '' ? '' : `\nCOMMENT '${note}'`}`;
}

function expiredBeforeSql({
  expiredBefore = {},
}: RetentionState): { ofClass: string; latest: string } | undefined {
  const marks = Object.values(expiredBefore).map((time) => Date.parse(time) * 1000);
  if (marks.length === 0) return undefined;
  return {
    ofClass: `transform(retention_class, [${classNames(expiredBefore)}], [${marks.join(', ')}], 0)`,
    latest: String(Math.max(...marks)),
  };
}
