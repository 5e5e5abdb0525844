import { LedgerlineError } from '../../schemas/index.ts';

/** For whom, and where, rights are written. */
export interface AccessPlace {
  readonly database: string;
  /** The servers' cluster; `undefined` on one node. */
  readonly cluster: string | undefined;
}

const MAX_TENANTS = 10_000;
const MAX_TENANT_LENGTH = 256;

/** Backquoted, so that no name can end it: ClickHouse reads backslashes in it as in a string. Pure. */
export const identifier = (name: string): string => `\`${escaped(name, '`')}\``;

/** A string literal. Pure. */
export const literal = (text: string): string => `'${escaped(text, "'")}'`;

const escaped = (text: string, quote: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);

/** The role of those who read one tenant's events; its policies bear the same name. Pure. */
export const readerOf = (tenant: string, { database }: AccessPlace): string =>
  `${database}_reader_${tenant}`;

/** The roles that see every tenant. */
export type Role = 'writer' | 'retention' | 'auditor';

export const roleOf = (role: Role, { database }: AccessPlace): string => `${database}_${role}`;

/** @throws LedgerlineError `CONFIG_INVALID`, never with the tenant's name */
export function assertTenants(tenants: readonly string[]): void {
  const fault = faultOf(tenants);
  if (fault === undefined) return;
  throw new LedgerlineError('CONFIG_INVALID', fault, {
    hint: 'Name each tenant once, as the column tenant_id has it.',
  });
}

function faultOf(tenants: readonly string[]): string | undefined {
  if (tenants.length > MAX_TENANTS) return `more than ${MAX_TENANTS} tenants`;
  for (const [index, tenant] of tenants.entries()) {
    const where = `tenant ${index + 1}`;
    if (tenant === '') return `${where} has no name`;
    if (tenant.length > MAX_TENANT_LENGTH) return `${where}: over ${MAX_TENANT_LENGTH} characters`;
    // Nobody could see from the script what such a name is.
    if (/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(tenant)) {
      return `${where} has characters that cannot be seen`;
    }
    if (tenants.indexOf(tenant) !== index) return `${where} is named twice`;
  }
  return undefined;
}
