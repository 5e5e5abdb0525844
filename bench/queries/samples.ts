import type { ClickHouse } from '../../clickhouse/index.ts';

/** Some event, and so a tenant, an actor and a target as often as they occur. */
export interface Sample {
  readonly eventId: string;
  readonly tenant: string;
  readonly actorType: string;
  readonly actorId: string;
  readonly targetType: string;
  readonly targetId: string;
  /** The day of the event, `YYYY-MM-DD`. */
  readonly day: string;
  /** A word that few events of the last week have. */
  readonly word: string;
}

/** Always the same for the same rows. */
export const samplesOf = (clickhouse: ClickHouse, count: number): Promise<Sample[]> =>
  clickhouse.query<Sample>(
    `SELECT event_id AS eventId, tenant_id AS tenant, actor_type AS actorType, actor_id AS actorId,
       target_type AS targetType, target_id AS targetId, toString(toDate(occurred_at)) AS day,
       concat('OPS-', toString(1000 + cityHash64(event_id) % 8000)) AS word
     FROM audit_events
     WHERE event_id IN (SELECT event_id FROM audit_events ORDER BY cityHash64(event_id) LIMIT {count:UInt32})
     ORDER BY eventId`,
    { params: { count }, timeoutMs: 300_000 },
  );
