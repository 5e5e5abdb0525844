import { SecretNames } from 'ledgerline';

/**
 * The values of variables such as DB_PASSWORD and API_KEY never leave the process: their names are
 * on Ledgerline's list. This service's own additions to it:
 */
export const redaction = { names: { add: ['DATABASE_URL'] } } as const;

const names = new SecretNames(redaction.names);

/** Whether a variable of this name holds a secret. */
export const holdsSecret = (key: string): boolean => names.has(key);
