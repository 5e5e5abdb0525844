import type { Preparation } from '../producers/index.ts';
import { DEFAULT_SCHEMA, quotedSchema } from './schema-name.ts';

/** One INSERT, for any client. */
export interface OutboxInsert {
  /** With `$1`, `$2`, `$3`: `client.query(insert)` of pg, `$executeRawUnsafe(text, ...values)` of Prisma. */
  readonly text: string;
  readonly values: readonly [eventId: string, messageKey: string, value: string];
  /** The same by column, for query builders: `trx('ledgerline_outbox').insert(insert.row)`. */
  readonly row: {
    readonly event_id: string;
    readonly message_key: string;
    readonly value: string;
  };
}

/**
 * The statement that puts a prepared event into the outbox. Run it in the transaction of the change:
 * the event then commits, or is rolled back, with it.
 *
 * @returns undefined where the policy does not keep the event: there is nothing to insert
 * @throws LedgerlineError the rejected event's own (EVENT_DATA_INVALID, …): a change whose event cannot
 *   be recorded should not commit
 * @example
 * await client.query('BEGIN');
 * await client.query('INSERT INTO apps (id) VALUES ($1)', ['app_42']);
 * const insert = outboxInsert(ledger.prepare('app.created', { actor, target: { id: 'app_42' } }));
 * if (insert !== undefined) await client.query(insert.text, [...insert.values]);
 * await client.query('COMMIT');
 */
export function outboxInsert(
  prepared: Preparation,
  { schema = DEFAULT_SCHEMA }: { readonly schema?: string } = {},
): OutboxInsert | undefined {
  switch (prepared.status) {
    case 'filtered':
      return undefined;
    case 'rejected':
      throw prepared.error;
    case 'prepared': {
      const value = prepared.value.toString('utf8');
      return {
        text: `INSERT INTO ${quotedSchema(schema)}.ledgerline_outbox (event_id, message_key, value) VALUES ($1, $2, $3)`,
        values: [prepared.id, prepared.key, value],
        row: { event_id: prepared.id, message_key: prepared.key, value },
      };
    }
  }
}
