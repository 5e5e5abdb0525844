import type { RejectedReason } from './judge.ts';
import type { Session } from './postgres.ts';
import { quotedSchema } from './schema-name.ts';

export interface OutboxStatus {
  /** Committed and not yet published. */
  readonly pending: number;
  /** How long the oldest of them has waited, in seconds; `null` when there is none. */
  readonly oldestSeconds: number | null;
  /** Set aside, by reason. */
  readonly rejected: Partial<Readonly<Record<RejectedReason, number>>>;
  /** By all relays, ever. */
  readonly published: number;
  /** ISO 8601; `null` before the first. */
  readonly lastPublishedAt: string | null;
  /** Whether a relay is there that publishes. */
  readonly relay: boolean;
}

/** How far the relays are. Counts all pending rows: cheap in the usual case that there are few. */
export async function outboxStatus(session: Session, schema: string): Promise<OutboxStatus> {
  const table = `${quotedSchema(schema)}.ledgerline_outbox`;
  const [row] = await session.query<{
    pending: string;
    oldest: number | null;
    rejected: Record<string, number> | null;
    published: string;
    last: Date | null;
    relay: boolean;
  }>(
    `SELECT (SELECT count(*) FROM ${table}_queue) AS pending,
            (SELECT extract(epoch FROM clock_timestamp() - o.written_at)::float8
             FROM ${table}_queue q JOIN ${table} o ON o.id = q.outbox_id ORDER BY q.position LIMIT 1) AS oldest,
            (SELECT jsonb_object_agg(reason, rows) FROM
              (SELECT reason, count(*) AS rows FROM ${table}_rejected GROUP BY reason) AS by_reason) AS rejected,
            progress.published, progress.last_published_at AS last,
            EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND classid = $1::regclass::oid AND objid = 4294967295::oid) AS relay
     FROM ${table}_progress AS progress`,
    [table],
  );
  return {
    pending: Number(row?.pending ?? 0),
    oldestSeconds: row?.oldest ?? null,
    rejected: row?.rejected ?? {},
    published: Number(row?.published ?? 0),
    lastPublishedAt: row?.last?.toISOString() ?? null,
    relay: row?.relay === true,
  };
}
