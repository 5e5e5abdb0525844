import {
  type AuditEvent,
  type Catalog,
  checkInput,
  outcomeOf,
  type ResolvedEvent,
} from '../../schemas/index.ts';
import type { Input } from './input.ts';
import { keptLonger, mayBeKeptAs } from './protected-trail.ts';

/** What a type says of its events: declared in a catalog, or by the line itself. */
export type Defined =
  | {
      readonly ok: true;
      readonly fields: Pick<
        AuditEvent,
        'type' | 'version' | 'category' | 'operation' | 'outcome' | 'severity'
      > & {
        readonly retentionClass: string | undefined;
        readonly targetType: string | undefined;
        readonly data: AuditEvent['data'];
      };
    }
  | { readonly ok: false; readonly reason: string };

const refused = (reason: string): Defined => ({ ok: false, reason });

/**
 * A declared type decides category, operation, version and retention class, and its schema judges the
 * data. An undeclared one must say its category, which must not be a declared one: there, it is most
 * likely misspelt. Pure.
 */
export function define(input: Input, catalog: Catalog): Defined {
  const definition = catalog.resolve(input.type, input.version);
  if (definition !== undefined) return declared(definition, input);
  const { category } = input;
  if (category === undefined || catalog.categories.has(category)) {
    const { message, hint } = catalog.explain(input.type, input.version);
    const nearest = /^Did you mean [^?]*\?/.exec(hint)?.[0];
    const own = 'For a type of your own, give the line a "category".';
    return refused(
      [message, ...(category === undefined ? [nearest, own] : [hint])].filter(Boolean).join(' '),
    );
  }
  if (category === 'ledger') return refused('The category "ledger" is Ledgerline\'s own.');
  return {
    ok: true,
    fields: {
      type: input.type,
      version: input.version ?? 1,
      category,
      operation: input.operation ?? 'unknown',
      outcome: outcomeOf('success', input),
      severity: input.severity ?? 'informational',
      retentionClass: input.retentionClass,
      targetType: undefined,
      data: input.data,
    },
  };
}

function declared(definition: ResolvedEvent, input: Input): Defined {
  const { category, operation } = definition;
  if (input.category !== undefined && input.category !== category) {
    return refused(`category: the type belongs to "${category}"`);
  }
  if (!definition.freeForm && input.operation !== undefined && input.operation !== operation) {
    return refused(`operation: the type is declared as "${operation}"`);
  }
  if (input.retentionClass !== undefined && !mayBeKeptAs(category, input.retentionClass)) {
    return refused(`retentionClass: ${keptLonger(category)}`);
  }
  const check = checkInput(definition, input);
  if (!check.ok) return refused(`${check.error.message} ${check.error.hint}`);
  return {
    ok: true,
    fields: {
      type: definition.type,
      version: definition.version,
      category,
      operation: definition.freeForm ? (input.operation ?? operation) : operation,
      outcome: outcomeOf(definition.outcome, input),
      severity: input.severity ?? definition.severity,
      retentionClass: input.retentionClass ?? definition.retentionClass,
      targetType: definition.target,
      data: check.data,
    },
  };
}
