import pg from 'pg';
import { firstTool, PAGE, TOOLS, type Tool, type ToolStore } from './tools.ts';

const COLUMNS = 'id, version, name, description, server, timeout_ms AS "timeoutMs", tags, limits';
const CONNECTIONS = 10;

/** Makes the table, with the tools that a new service has. */
export async function fillToolTable(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`CREATE TABLE tools (
      n int UNIQUE, id text PRIMARY KEY, version int NOT NULL, name text NOT NULL, description text NOT NULL,
      server text NOT NULL, timeout_ms int NOT NULL, tags text[] NOT NULL, limits jsonb NOT NULL)`);
    await client.query(
      `INSERT INTO tools SELECT t.n, t.id, t.version, t.name, t.description, t.server, t."timeoutMs", t.tags, t.limits
       FROM jsonb_to_recordset($1) AS t(n int, id text, version int, name text, description text, server text,
                                        "timeoutMs" int, tags text[], limits jsonb)`,
      [JSON.stringify(Array.from({ length: TOOLS }, (_, n) => ({ n, ...firstTool(n) })))],
    );
  } finally {
    await client.end();
  }
}

/** One statement for each request, prepared once for each of ten connections: what services usually do. */
export function toolsInPostgres(url: string): ToolStore {
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  const ask = async (name: string, text: string, values: unknown[]): Promise<Tool[]> =>
    (await pool.query<Tool>({ name, text, values })).rows;
  return {
    page: (number) => {
      const from = (number * PAGE) % TOOLS;
      const text = `SELECT ${COLUMNS} FROM tools WHERE n >= $1 AND n < $2 ORDER BY n`;
      return ask('page', text, [from, from + PAGE]);
    },
    find: async (id) => (await ask('find', `SELECT ${COLUMNS} FROM tools WHERE id = $1`, [id]))[0],
    replace: async ({ id }, { name, description, server, timeoutMs, tags, limits }) => {
      const [tool] = await ask(
        'replace',
        `UPDATE tools SET version = version + 1, name = $2, description = $3, server = $4, timeout_ms = $5,
           tags = $6, limits = $7 WHERE id = $1 RETURNING ${COLUMNS}`,
        [id, name, description, server, timeoutMs, tags, limits],
      );
      if (tool === undefined) throw new Error(`there is no ${id}`);
      return tool;
    },
    close: () => pool.end(),
  };
}
