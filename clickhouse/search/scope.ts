import { LedgerlineError } from '../../schemas/errors.ts';
import type { RetentionClasses } from '../retention/classes.ts';
import type { Parameters } from './compile.ts';

/** Instead of a tenant's name: all of them. A value of its own, so that nobody asks for it by accident. */
export const EVERY_TENANT: unique symbol = Symbol('every tenant');

/** Whose events may be read: one tenant's, several tenants', or, said expressly, everybody's. */
export type TenantScope = string | readonly string[] | typeof EVERY_TENANT;

/** @throws LedgerlineError `CONFIG_INVALID` where no tenant is named: a scope that was forgotten reads nothing */
export function tenantsOf(scope: TenantScope): readonly string[] | undefined {
  if (scope === EVERY_TENANT) return undefined;
  const tenants = typeof scope === 'string' ? [scope] : scope;
  const named = Array.isArray(tenants) && tenants.length > 0;
  if (named && tenants.every((tenant) => typeof tenant === 'string' && tenant !== '')) {
    return tenants;
  }
  throw new LedgerlineError('CONFIG_INVALID', 'the option tenant names no tenant', {
    hint: 'Pass a tenant’s id, a list of them, or EVERY_TENANT.',
  });
}

/** The tenants' rows: what every statement begins with, whatever the query says. */
export function tenantSql(tenants: readonly string[] | undefined, params: Parameters): string {
  if (tenants === undefined) return '1';
  const [only] = tenants;
  return tenants.length === 1
    ? `tenant_id = ${params.bind(only, 'String')}`
    : `tenant_id IN ${params.bind(tenants, 'Array(String)')}`;
}

/** Leaves out rows whose days are over: they stay in the table until their whole part has expired. */
export function unexpiredSql(
  classes: RetentionClasses,
  nowSql: string,
  params: Parameters,
): string {
  const names = params.bind(Object.keys(classes), 'Array(String)');
  const days = params.bind(Object.values(classes), 'Array(UInt32)');
  const standard = params.bind(classes['standard'] ?? 0, 'UInt32');
  return `occurred_at + toIntervalDay(transform(retention_class, ${names}, ${days}, ${standard})) > ${nowSql}`;
}

const DAY_MICROS = 86_400_000_000;

/**
 * Whether nothing of this time or later can have expired, whatever its class: the rows need not be asked then,
 * which takes a quarter of the time of a page. A class that is unknown has the days of `standard`.
 */
export function isKept(classes: RetentionClasses, fromMicros: number, nowMicros: number): boolean {
  const days = Math.min(classes['standard'] ?? 0, ...Object.values(classes));
  return fromMicros > nowMicros - days * DAY_MICROS;
}
