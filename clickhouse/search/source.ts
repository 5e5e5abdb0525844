import { seenCopies } from '../holds/seen-copies.ts';
import type { Asked } from './ask.ts';
import { instant, type Parameters } from './compile.ts';
import { STORED_COLUMNS } from '../views/kept.ts';
import { unexpiredSql } from './scope.ts';

const STORED = STORED_COLUMNS.join(', ');

/**
 * Where a question's events are, under the name `audit_events`. Where nothing is held, that is the
 * table. Else it is the table for events whose days are not over, and the copies for those that are gone and
 * that a hold holds: no event is in both, and none in neither.
 */
export function sourceSql(asked: Asked, params: Parameters): string {
  if (!asked.held) return 'audit_events';
  const unexpired = unexpiredSql(asked.classes, instant(asked.nowMs * 1000, params), params);
  return `(
  SELECT ${STORED} FROM audit_events WHERE ${unexpired}
  UNION ALL
  SELECT ${STORED} FROM audit_held FINAL
  WHERE ${seenCopies({ unexpired, expiredBefore: expiredBeforeSql(asked, params), in: 'IN' })}
) AS audit_events`;
}

function expiredBeforeSql(
  { expiredBefore }: Asked,
  params: Parameters,
): { ofClass: string; latest: string } | undefined {
  const marks = Object.values(expiredBefore);
  if (marks.length === 0) return undefined;
  const names = params.bind(Object.keys(expiredBefore), 'Array(String)');
  const times = params.bind(marks, 'Array(Int64)');
  return {
    ofClass: `transform(retention_class, ${names}, ${times}, toInt64(0))`,
    latest: params.bind(Math.max(...marks), 'Int64'),
  };
}
