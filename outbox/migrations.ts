import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { DEFAULT_SCHEMA, quotedSchema } from './schema-name.ts';

export interface Migration {
  readonly version: number;
  /** The file's name, e.g. `0001_outbox.sql`. */
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly checksum: string;
  /** For one schema. */
  readonly sql: string;
}

/** Beside this file in the sources; built code runs from dist/outbox and reads the same files. */
function folder(): URL {
  const beside = new URL('./migrations/', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../outbox/migrations/', import.meta.url);
}

/** The migrations that this version knows, in order, each written for this schema. */
export async function outboxMigrations(schema: string): Promise<Migration[]> {
  const names = (await readdir(folder())).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const file = await readFile(new URL(name, folder()), 'utf8');
      return {
        version: Number(name.slice(0, 4)),
        name,
        checksum: createHash('sha256').update(file).digest('hex'),
        sql: file.replaceAll(`${DEFAULT_SCHEMA}.`, `${quotedSchema(schema)}.`),
      };
    }),
  );
}

/** Where it is written which migrations were applied. */
export const recordTableSql = (schema: string): string => `
CREATE SCHEMA IF NOT EXISTS ${quotedSchema(schema)};
CREATE TABLE IF NOT EXISTS ${quotedSchema(schema)}.ledgerline_outbox_migrations (
  version    int PRIMARY KEY,
  name       text NOT NULL,
  checksum   text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
`;

export const recordSql = (schema: string, { version, name, checksum }: Migration): string =>
  `INSERT INTO ${quotedSchema(schema)}.ledgerline_outbox_migrations (version, name, checksum) VALUES (${version}, '${name}', '${checksum}');\n`;
