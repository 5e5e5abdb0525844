import type { Client } from 'pg';
import { LedgerlineError } from '../schemas/index.ts';
import { explainPostgres, placeOf } from './postgres-errors.ts';

/** How long one connection attempt may take. */
const CONNECT_TIMEOUT_MS = 5_000;
/** How long the server may work at one statement; the client waits a little longer. */
const STATEMENT_TIMEOUT_MS = 20_000;
const QUERY_TIMEOUT_MS = 25_000;
const END_TIMEOUT_MS = 1_000;

/**
 * What every session asks of its server. A relay that hangs or whose machine is gone must lose its
 * locks: the server ends sessions that are silent for half a minute (a relay speaks every few seconds),
 * and finds dead peers itself.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  statement_timeout: `${STATEMENT_TIMEOUT_MS}`,
  lock_timeout: '10s',
  idle_session_timeout: '30s',
  idle_in_transaction_session_timeout: '30s',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
};

/** One connection to PostgreSQL, on which locks and LISTEN live. Every wait ends by itself. */
export interface Session {
  /** Where it is, without credentials. */
  readonly place: string;
  query<T extends object>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** Several statements in one transaction, without values. */
  script(text: string): Promise<void>;
  /** Resolves at a notification (also one that came since the last call), at the signal, or after the time. */
  notified(timeoutMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to PostgreSQL. The only file that imports pg, which whoever has an outbox installs.
 *
 * @throws LedgerlineError POSTGRES_UNREACHABLE, POSTGRES_REFUSED, POSTGRES_DRIVER_MISSING
 */
export async function openSession(url: string): Promise<Session> {
  const place = placeOf(url);
  const { Client } = await driver();
  const client = new Client({
    connectionString: url,
    application_name: 'ledgerline-outbox',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  });
  const session = new PostgresSession(client, place);
  try {
    await client.connect();
    await session.query(
      `SELECT set_config(name, setting, false) FROM unnest($1::text[], $2::text[]) AS s(name, setting)`,
      [Object.keys(SETTINGS), Object.values(SETTINGS)],
    );
    return session;
  } catch (error) {
    await session.close();
    throw explainPostgres(error, place);
  }
}

async function driver(): Promise<Pick<typeof import('pg'), 'Client'>> {
  try {
    const { default: pg } = await import('pg');
    return pg;
  } catch (cause) {
    throw new LedgerlineError('POSTGRES_DRIVER_MISSING', 'The package "pg" is not installed.', {
      hint: 'Install it beside ledgerline: npm install pg.',
      cause,
    });
  }
}

class PostgresSession implements Session {
  readonly place: string;
  readonly #client: Client;
  #rung = false;
  #wake: () => void = () => undefined;
  #lost: Error | undefined;

  constructor(client: Client, place: string) {
    this.#client = client;
    this.place = place;
    client.on('notification', () => this.#ring());
    // Said between two queries: the next query fails by itself, and a sleeper has to look.
    client.on('error', (error) => {
      this.#lost = error;
      this.#ring();
    });
  }

  async query<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    try {
      if (this.#lost !== undefined) throw this.#lost;
      const { rows } = await this.#client.query<T>(text, [...values]);
      return rows;
    } catch (error) {
      throw explainPostgres(error, this.place);
    }
  }

  async script(text: string): Promise<void> {
    try {
      await this.#client.query(text);
    } catch (error) {
      throw explainPostgres(error, this.place);
    }
  }

  async notified(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, timeoutMs);
        signal.addEventListener('abort', wake, { once: true });
        this.#wake = wake;
      });
    }
    this.#rung = false;
  }

  async close(): Promise<void> {
    const ended = this.#client.end().catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_TIMEOUT_MS);
    });
    await Promise.race([ended, late]);
    clearTimeout(timer);
    // A server that hangs never says goodbye.
    this.#client.connection.stream.destroy();
  }

  #ring(): void {
    this.#rung = true;
    this.#wake();
  }
}
