import { ACTIVE_HOLDS, EVENT_PLACE } from '../holds/holds.ts';
import type { Asked } from './ask.ts';
import { instant, type Parameters } from './compile.ts';
import { STORED_COLUMNS } from '../views/kept.ts';
import { unexpiredSql } from './scope.ts';

const STORED = STORED_COLUMNS.join(', ');

/**
 * Where a question's events are, under the name `audit_events`. Where nothing is held, that is the
 * table. Else it is the table for events whose days are not over, and the copies for those whose days
 * are over and that a hold holds: no event is in both.
 */
export function sourceSql(asked: Asked, params: Parameters): string {
  if (!asked.held) return 'audit_events';
  const unexpired = unexpiredSql(asked.classes, instant(asked.nowMs * 1000, params), params);
  return `(
  SELECT ${STORED} FROM audit_events WHERE ${unexpired}
  UNION ALL
  SELECT ${STORED} FROM audit_held FINAL WHERE NOT (${unexpired})
    AND ${EVENT_PLACE} IN (
      SELECT kafka_topic_id, kafka_partition, kafka_offset FROM audit_hold_events
      WHERE hold_id IN (${ACTIVE_HOLDS})
    )
) AS audit_events`;
}
