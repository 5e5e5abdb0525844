import type { ClickHouse } from '../clickhouse.ts';

/** A hold as the ledger's own record of it says. */
export interface Hold {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly reason: string;
  readonly query: string;
  /** Of dates in the query that name none; a name of the IANA time zone database. */
  readonly timeZone: string;
  /** `undefined`: every tenant's. */
  readonly tenants: readonly string[] | undefined;
  /** ISO 8601. */
  readonly placedAt: string;
  readonly placedBy: string;
  /** When events that have come since were last looked for; ISO 8601. */
  readonly syncedAt: string;
  /** Absent while it holds. */
  readonly releasedAt: string | undefined;
  /** Events under it. */
  readonly events: number;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly reason: string;
  readonly query: string;
  readonly time_zone: string;
  readonly tenants: readonly string[];
  readonly placed_at: string;
  readonly placed_by: string;
  readonly synced_at: string;
  readonly released_at: string;
  readonly events: string;
}

/** All holds, the newest first; those that were released as well. */
export async function listHolds(clickhouse: ClickHouse): Promise<Hold[]> {
  const rows = await clickhouse.query<Row>(
    `SELECT toString(hold_id) AS id,
            argMinIf(name, at, action = 'placed') AS name,
            argMinIf(owner, at, action = 'placed') AS owner,
            argMinIf(reason, at, action = 'placed') AS reason,
            argMinIf(query, at, action = 'placed') AS query,
            argMinIf(time_zone, at, action = 'placed') AS time_zone,
            argMinIf(tenants, at, action = 'placed') AS tenants,
            ${iso("minIf(at, action = 'placed')")} AS placed_at,
            argMinIf(actor, at, action = 'placed') AS placed_by,
            ${iso("maxIf(at, action IN ('placed', 'synced'))")} AS synced_at,
            if(countIf(action = 'released') = 0, '', ${iso("minIf(at, action = 'released')")}) AS released_at,
            any(held.events) AS events
     FROM audit_holds
     LEFT JOIN (
       SELECT hold_id, uniqExact(kafka_topic_id, kafka_partition, kafka_offset) AS events
       FROM audit_hold_events GROUP BY hold_id
     ) AS held USING (hold_id)
     GROUP BY hold_id
     ORDER BY placed_at DESC, id`,
  );
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    owner: row.owner,
    reason: row.reason,
    query: row.query,
    timeZone: row.time_zone,
    tenants: row.tenants.length === 0 ? undefined : row.tenants,
    placedAt: row.placed_at,
    placedBy: row.placed_by,
    syncedAt: row.synced_at,
    releasedAt: row.released_at === '' ? undefined : row.released_at,
    events: Number(row.events),
  }));
}

const iso = (time: string): string => `formatDateTime(${time}, '%Y-%m-%dT%H:%i:%SZ', 'UTC')`;

/** Holds that hold, by their ids: what is under one of them outlives its days. */
export const ACTIVE_HOLDS =
  "SELECT hold_id FROM audit_holds GROUP BY hold_id HAVING countIf(action = 'released') = 0";

/** Where an event lies in Kafka's log: its identity in all of these tables. */
export const EVENT_PLACE = '(kafka_topic_id, kafka_partition, kafka_offset)';

/** An action of a hold, into the record that only grows. */
export async function recordAction(
  clickhouse: ClickHouse,
  action: {
    readonly hold: string;
    readonly action: 'placed' | 'synced' | 'released';
    readonly name?: string;
    readonly owner?: string;
    readonly reason?: string;
    readonly actor?: string;
    readonly query?: string;
    readonly timeZone?: string;
    readonly tenants?: readonly string[] | undefined;
    readonly events: number;
    /** Default: now. */
    readonly at?: Date;
  },
): Promise<void> {
  await clickhouse.command(
    `INSERT INTO audit_holds (hold_id, action, at, name, owner, reason, actor, query, time_zone, tenants, events)
     VALUES ({hold:UUID}, {action:String}, fromUnixTimestamp64Milli({at:Int64}), {name:String}, {owner:String}, {reason:String}, {actor:String}, {query:String}, {timeZone:String}, {tenants:Array(String)}, {events:UInt64})`,
    {
      params: {
        hold: action.hold,
        action: action.action,
        at: (action.at ?? new Date()).getTime(),
        name: action.name ?? '',
        owner: action.owner ?? '',
        reason: action.reason ?? '',
        actor: action.actor ?? '',
        query: action.query ?? '',
        timeZone: action.timeZone ?? 'UTC',
        tenants: action.tenants ?? [],
        events: action.events,
      },
      settings: { async_insert: 0 },
    },
  );
}
