import { LedgerlineError } from './errors.ts';

const WORD = '[a-z][a-z0-9]*(?:_[a-z0-9]+)*';
const CATEGORY_NAME = new RegExp(`^${WORD}$`);
const TYPE_NAME = new RegExp(`^${WORD}(?:\\.${WORD})+$`);
const ALIAS = /^[A-Za-z0-9][A-Za-z0-9_.:/-]*$/;
const MAX_NAME_LENGTH = 128;

const fits = (pattern: RegExp, name: string): boolean =>
  name.length <= MAX_NAME_LENGTH && pattern.test(name);

/** `app`, `config_backup`: snake_case words. */
export const isCategoryName = (name: string): boolean => fits(CATEGORY_NAME, name);
/** `app.env_var.updated`: two or more snake_case words joined by dots. */
export const isTypeName = (name: string): boolean => fits(TYPE_NAME, name);
/** What other systems call a type; wider than our own names, narrow enough to print. */
export const isAlias = (name: string): boolean => fits(ALIAS, name);

/** Prefixes that belong to Ledgerline: its own category and its own attributes. */
const RESERVED_PREFIX = 'ledger';
export const isReserved = (name: string): boolean =>
  name === RESERVED_PREFIX || name.startsWith(`${RESERVED_PREFIX}.`);

/** A name for an error text: callers without types may hand us anything, which must not be echoed. */
export const printable = (name: unknown): string =>
  typeof name === 'string' && isAlias(name) ? `"${name}"` : '(not a well-formed name)';

/** Levenshtein's distance; only on error paths, over names of at most 128 characters. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substituted, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The known name that is most likely meant, if one is near enough to be a slip of the keyboard. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const found = distance(name, candidate);
    if (found < bestDistance) [best, bestDistance] = [candidate, found];
  }
  return best;
}

/** An unknown event type, with the nearest known one as the way out. */
export function unknownType(name: unknown, known: Iterable<string>): LedgerlineError {
  const nearest = typeof name === 'string' && isAlias(name) ? nearestName(name, known) : undefined;
  return new LedgerlineError(
    'EVENT_TYPE_UNKNOWN',
    `No catalog declares the event type ${printable(name)}.`,
    {
      hint:
        nearest === undefined
          ? 'Declare it with event() in a category, or mark the category freeForm.'
          : `Did you mean "${nearest}"? Otherwise declare it with event() in a category.`,
    },
  );
}
