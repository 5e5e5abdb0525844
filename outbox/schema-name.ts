import { LedgerlineError } from '../schemas/errors.ts';

/** The schema in which the outbox is made, unless another is named. */
export const DEFAULT_SCHEMA = 'public';

/**
 * A schema's name as SQL takes it, in quotes.
 *
 * @throws LedgerlineError CONFIG_INVALID where it is no plain name: it becomes part of statements
 */
export function quotedSchema(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) return `"${name}"`;
  throw new LedgerlineError(
    'CONFIG_INVALID',
    "The outbox's schema is a letter or underscore, then at most 62 letters, digits or underscores.",
    { hint: 'Set LEDGERLINE_OUTBOX_SCHEMA to the schema that has the table ledgerline_outbox.' },
  );
}
