import { LedgerlineError } from '../schemas/index.ts';
import { quotedSchema } from './schema-name.ts';

/** Roles that exist already; they are granted what they need, and nothing else. */
export interface OutboxRoles {
  /** May write events, through the table or the function; may not read, change or delete one. */
  readonly service?: string | undefined;
  /** May take events out, set them aside and put them back. */
  readonly relay?: string | undefined;
}

/** The GRANT statements for these roles. */
export function grantsSql(schema: string, { service, relay }: OutboxRoles): string {
  const within = quotedSchema(schema);
  const tables = (...names: string[]): string =>
    names.map((name) => `${within}.ledgerline_outbox${name}`).join(', ');
  const statements: string[] = [];
  if (service !== undefined) {
    const role = quotedRole(service);
    statements.push(
      `GRANT USAGE ON SCHEMA ${within} TO ${role};`,
      `GRANT INSERT (event_id, message_key, value) ON ${tables('')} TO ${role};`,
      `GRANT EXECUTE ON FUNCTION ${within}.ledgerline_outbox_add(jsonb) TO ${role};`,
    );
  }
  if (relay !== undefined) {
    const role = quotedRole(relay);
    statements.push(
      `GRANT USAGE ON SCHEMA ${within} TO ${role};`,
      `GRANT SELECT, DELETE ON ${tables('', '_queue', '_rejected')} TO ${role};`,
      `GRANT INSERT ON ${tables('', '_rejected')} TO ${role};`,
      `GRANT SELECT, UPDATE ON ${tables('_progress')} TO ${role};`,
      `GRANT SELECT ON ${tables('_migrations')} TO ${role};`,
    );
  }
  return statements.map((statement) => `${statement}\n`).join('');
}

function quotedRole(name: string): string {
  if (/^[^"\0]{1,63}$/.test(name)) return `"${name}"`;
  throw new LedgerlineError('CONFIG_INVALID', 'A role is named by 1 to 63 characters, without ".', {
    hint: 'Name a role that exists, as \\du shows it.',
  });
}
