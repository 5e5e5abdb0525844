import { QUERY_LIMITS } from './limits.ts';
import { QueryError } from './query-error.ts';
import type { Written } from './syntax.ts';

/**
 * Literal texts with "anything" between them: `['abc']` is the text abc, `['app.', '']` whatever begins
 * with app., `['', '']` whatever is there.
 */
export type Pattern = readonly [string, ...string[]];

/** Unquoted stars are wildcards. @throws QueryError for more of them than anybody needs */
export function patternOf(written: Written): Pattern {
  const parts: [string, ...string[]] = [''];
  for (const { text, quoted } of written.pieces) {
    const [first = '', ...more] = quoted ? [text] : text.split(/\*+/);
    parts[parts.length - 1] += first;
    parts.push(...more);
  }
  if (parts.length - 1 > QUERY_LIMITS.wildcards) {
    throw new QueryError(
      `more than ${QUERY_LIMITS.wildcards} wildcards in one value`,
      written,
      'Leave some out: * stands for any number of characters.',
    );
  }
  return parts;
}

export const isLiteral = (pattern: Pattern): boolean => pattern.length === 1;

/** Only a star: any value, as long as there is one. */
export const isAnything = (pattern: Pattern): boolean =>
  pattern.length > 1 && pattern.every((part) => part === '');

/** Two patterns, before and behind the first slash. */
export function splitAtSlash(pattern: Pattern): readonly [Pattern, Pattern] | undefined {
  const index = pattern.findIndex((part) => part.includes('/'));
  const part = pattern[index];
  if (part === undefined) return undefined;
  const slash = part.indexOf('/');
  const before = [...pattern.slice(0, index), part.slice(0, slash)];
  const behind = [part.slice(slash + 1), ...pattern.slice(index + 1)];
  return [before as [string, ...string[]], behind as [string, ...string[]]];
}

/** As LIKE takes it: `%` for anything, and its own signs escaped. */
export const likeOf = (pattern: Pattern): string =>
  pattern.map((part) => part.replace(/[\\%_]/g, '\\$&')).join('%');
