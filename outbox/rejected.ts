import type { RejectedReason } from './judge.ts';
import type { Session } from './postgres.ts';
import { quotedSchema } from './schema-name.ts';

/** An event that was set aside; without its contents. */
export interface RejectedEvent {
  readonly id: string;
  readonly eventId: string;
  readonly reason: RejectedReason;
  readonly error: string;
  readonly bytes: number;
  readonly writtenAt: string;
  readonly rejectedAt: string;
}

/** The events that were set aside, oldest first, at most so many. */
export async function rejectedEvents(
  session: Session,
  schema: string,
  limit = 1_000,
): Promise<RejectedEvent[]> {
  const rows = await session.query<
    Omit<RejectedEvent, 'writtenAt' | 'rejectedAt'> & { written: Date; put: Date }
  >(
    `SELECT id::text, event_id::text AS "eventId", reason, error, octet_length(value) AS bytes,
            written_at AS written, rejected_at AS put
     FROM ${quotedSchema(schema)}.ledgerline_outbox_rejected ORDER BY id LIMIT $1`,
    [limit],
  );
  return rows.map(({ written, put, ...row }) => ({
    ...row,
    writtenAt: written.toISOString(),
    rejectedAt: put.toISOString(),
  }));
}

/**
 * Puts events back into the outbox, at its end: all, or those of these ids.
 *
 * @returns how many there were
 */
export async function retryRejected(
  session: Session,
  schema: string,
  ids: readonly string[] | 'all',
): Promise<number> {
  const table = `${quotedSchema(schema)}.ledgerline_outbox`;
  const which = ids === 'all' ? '' : 'WHERE id = ANY($1::bigint[])';
  const [moved] = await session.query<{ moved: number }>(
    `WITH back AS (DELETE FROM ${table}_rejected ${which} RETURNING id, event_id, message_key, value),
          again AS (INSERT INTO ${table} (event_id, message_key, value)
                    SELECT event_id, message_key, value FROM back ORDER BY id RETURNING 1)
     SELECT count(*)::int AS moved FROM again`,
    ids === 'all' ? [] : [ids],
  );
  return moved?.moved ?? 0;
}
