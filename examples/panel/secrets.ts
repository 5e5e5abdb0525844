import { SecretNames, type RedactionOptions } from 'ledgerline';

/**
 * The values of variables such as DB_PASSWORD and API_KEY never leave the process: their names are
 * on Ledgerline's list. This service's own additions to it:
 */
const NAMES = { add: ['DATABASE_URL'] } as const;

const names = new SecretNames(NAMES);

/** Whether a variable of this name holds a secret. */
export const holdsSecret = (key: string): boolean => names.has(key);

/** @param hashKey with which tokens are hashed; equal ones only as long as it stays the same */
export const redactionWith = (hashKey: string | Uint8Array): RedactionOptions => ({
  names: NAMES,
  key: { id: 'panel-1', secret: hashKey },
});
