import { ACTIVE_HOLDS, EVENT_PLACE } from './holds.ts';

/** What decides which copies are seen, as SQL. */
export interface CopySight {
  /** The event's days are not over. */
  readonly unexpired: string;
  /**
   * Up to when events had expired by the fewer days of once: of a row's class, and the latest of all, both in
   * microseconds since 1970. Absent where days were never fewer, as far as that still matters.
   */
  readonly expiredBefore?: { readonly ofClass: string; readonly latest: string } | undefined;
  /** `GLOBAL IN` where the tables are spread over a cluster, since then the positions are as well. */
  readonly in: 'IN' | 'GLOBAL IN';
}

/** Positions of what is under a hold that holds. */
const HELD = `SELECT kafka_topic_id, kafka_partition, kafka_offset FROM audit_hold_events
    WHERE hold_id IN (${ACTIVE_HOLDS})`;

/**
 * The condition on `audit_held` for copies that stand for their events: those under a hold whose days are over. Where
 * a class had fewer days once, or expiry was stopped late, an event may be gone whose days are not over now: of
 * those a copy is seen where the ledger has the event no more. So each is seen once.
 */
export function seenCopies({ unexpired, expiredBefore, in: isIn }: CopySight): string {
  const held = `${EVENT_PLACE} ${isIn} (\n    ${HELD}\n  )`;
  if (expiredBefore === undefined) return `NOT (${unexpired})\n  AND ${held}`;
  const { ofClass, latest } = expiredBefore;
  const notIn = isIn.replace('IN', 'NOT IN');
  return `${held}
  AND (NOT (${unexpired}) OR (toUnixTimestamp64Micro(occurred_at) <= ${ofClass} AND ${EVENT_PLACE} ${notIn} (
    SELECT kafka_topic_id, kafka_partition, kafka_offset FROM audit_events
    WHERE occurred_at <= fromUnixTimestamp64Micro(${latest}, 'UTC') AND ${held}
  )))`;
}
