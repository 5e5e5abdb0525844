import pg from 'pg';

/** Every wait for PostgreSQL ends by itself. */
const TIMEOUTS = { connectionTimeoutMillis: 5_000, query_timeout: 10_000 } as const;

/** A pool of connections to a database that has these tables. */
export async function openDatabase(url: string, tables: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: url, max: 10, ...TIMEOUTS });
  // Said of connections that nobody uses; whoever uses one is told by the query.
  pool.on('error', () => undefined);
  await pool.query(tables);
  return pool;
}

/** All that `work` does in the transaction, or nothing of it: when it throws, so does this. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    // The connection may be broken, or still busy: the server ends its transaction with it.
    client.release(true);
    throw error;
  }
}
