import type { AuditEvent, Catalog } from '../../schemas/index.ts';
import { matcherOf } from '../policy/patterns.ts';

/** Whatever holds the events of a test: a test ledger, a transport's events, or types' names. */
export type Audited = { readonly events: readonly AuditEvent[] } | Iterable<AuditEvent | string>;

/** Types that need not be exercised, exact or with `*`. */
export interface Exceptions {
  readonly except?: readonly string[] | undefined;
}

/** The types of all events that test ledgers of this process have heard, for a whole run's check. */
export const exercised = new Set<string>();

/**
 * The types of a catalog that no event is of, in the catalog's order: what the tests forgot, or
 * what the service never says.
 *
 * @example
 * expect(unexercised(catalog, ledger, { except: ['backup.*'] })).toEqual([]);
 */
export function unexercised(
  catalog: Catalog,
  audited: Audited,
  { except = [] }: Exceptions = {},
): string[] {
  const isExcepted = matcherOf(except);
  const seen = new Set<string>();
  for (const each of 'events' in audited ? audited.events : audited) {
    seen.add(typeof each === 'string' ? each : each.type);
  }
  return catalog.events
    .map(({ type }) => type)
    .filter((type) => !seen.has(type) && !isExcepted(type));
}
