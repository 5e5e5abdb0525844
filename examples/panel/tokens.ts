import { randomUUID } from 'node:crypto';
import { outboxInsert } from 'ledgerline/outbox';
import { inTransaction, openDatabase } from './database.ts';
import type { Panel } from './panel.ts';
import { Collection, type Owned } from './store.ts';

type Ledger = Panel['ledger'];

export interface Token extends Owned {
  readonly name: string;
}

/** Where tokens are kept; that one was issued or revoked gets on record here, too. */
export interface Tokens {
  /** @param token the token itself, which is not kept */
  issue(tenant: string, name: string, token: string): Promise<Token>;
  find(tenant: string, id: string): Promise<Token | undefined>;
  /** Answers false when it is gone already. */
  revoke(token: Token): Promise<boolean>;
  close(): Promise<void>;
}

const issued = ({ id, name }: Token, token: string) =>
  ['api_token.issued', { target: { id, name }, data: { token } }] as const;
const revoked = ({ id, name }: Token) => ['api_token.revoked', { target: { id, name } }] as const;

/** For as long as the process runs. */
export function tokensInMemory(ledger: Ledger): Tokens {
  const kept = new Collection<Token>('tok');
  return {
    issue(tenant, name, token) {
      const made = kept.add(tenant, { name });
      ledger.emit(...issued(made, token));
      return Promise.resolve(made);
    },
    find: (tenant, id) => Promise.resolve(kept.find(tenant, id)),
    revoke(token) {
      const wasThere = kept.remove(token);
      if (wasThere) ledger.emit(...revoked(token));
      return Promise.resolve(wasThere);
    },
    close: () => Promise.resolve(),
  };
}

/**
 * In PostgreSQL, which has Ledgerline's outbox: a token and its event are one transaction, so that
 * there is never one without the other, whatever dies when. Kafka may be away meanwhile.
 */
export async function tokensInPostgres(ledger: Ledger, url: string): Promise<Tokens> {
  const pool = await openDatabase(
    url,
    `CREATE TABLE IF NOT EXISTS panel_tokens
       (tenant text, id text, name text NOT NULL, PRIMARY KEY (tenant, id))`,
  );
  return {
    async issue(tenant, name, token) {
      const made: Token = { id: `tok_${randomUUID()}`, tenant, name };
      const insert = outboxInsert(ledger.prepare(...issued(made, token)));
      return inTransaction(pool, async (client) => {
        await client.query('INSERT INTO panel_tokens (tenant, id, name) VALUES ($1, $2, $3)', [
          tenant,
          made.id,
          name,
        ]);
        if (insert !== undefined) await client.query(insert.text, [...insert.values]);
        return made;
      });
    },
    async find(tenant, id) {
      const { rows } = await pool.query<Token>(
        'SELECT tenant, id, name FROM panel_tokens WHERE tenant = $1 AND id = $2',
        [tenant, id],
      );
      return rows[0];
    },
    revoke: (token) =>
      inTransaction(pool, async (client) => {
        const { tenant, id } = token;
        const { rowCount } = await client.query(
          'DELETE FROM panel_tokens WHERE tenant = $1 AND id = $2',
          [tenant, id],
        );
        if (rowCount === 0) return false;
        const insert = outboxInsert(ledger.prepare(...revoked(token)));
        if (insert !== undefined) await client.query(insert.text, [...insert.values]);
        return true;
      }),
    close: () => pool.end(),
  };
}
