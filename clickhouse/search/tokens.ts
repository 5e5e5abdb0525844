import { QUERY_LIMITS } from './limits.ts';
import { QueryError, type Span } from './query-error.ts';
import type { Comparison, Piece, Term, Written } from './syntax.ts';

export type Token = (Span & { readonly kind: '(' | ')' | 'or' | 'and' | 'not' }) | Term;

const KEYWORDS: ReadonlyMap<string, 'or' | 'and' | 'not'> = new Map([
  ['OR', 'or'],
  ['AND', 'and'],
  ['NOT', 'not'],
]);
const SPACE = /\s/;
const NAME = /[A-Za-z0-9_.-]/;
const COMPARISONS: readonly Comparison[] = ['>=', '<=', '>', '<'];
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Cuts a query into parentheses, keywords and terms.
 *
 * @throws QueryError where a quote is left open, a field has no value, or a bound is passed
 */
export function tokensOf(query: string): Token[] {
  checkText(query);
  const tokens: Token[] = [];
  let at = 0;
  let terms = 0;
  while (at < query.length) {
    const character = query.charAt(at);
    if (SPACE.test(character)) at += 1;
    else if (character === '(' || character === ')') {
      tokens.push({ kind: character, at, length: 1 });
      at += 1;
    } else if (character === '-' && startsTerm(query, at + 1)) {
      tokens.push({ kind: 'not', at, length: 1 });
      at += 1;
    } else {
      const term = termAt(query, at);
      const keyword = KEYWORDS.get(query.slice(at, at + term.length));
      tokens.push(keyword === undefined ? term : { kind: keyword, at, length: term.length });
      at += term.length;
      terms += term.values.length;
      if (terms > QUERY_LIMITS.terms) {
        throw new QueryError(
          `more than ${QUERY_LIMITS.terms} values and words`,
          term,
          'Ask in several searches, or use a wildcard instead of a long list.',
        );
      }
    }
  }
  return tokens;
}

function checkText(query: string): void {
  if (query.length > QUERY_LIMITS.length) {
    throw new QueryError(
      `longer than ${QUERY_LIMITS.length} characters`,
      { at: QUERY_LIMITS.length, length: 1 },
      'Ask in several searches, or use a wildcard instead of a long list.',
    );
  }
  const lone = LONE_SURROGATE.exec(query);
  if (lone) {
    throw new QueryError(
      'half a character, which no text holds',
      { at: lone.index, length: 1 },
      'Write the query anew: it was cut in the middle of a character.',
    );
  }
}

/** A minus negates what stands right behind it; before a space, or at the end, it is a minus. */
const startsTerm = (query: string, at: number): boolean =>
  at < query.length && !SPACE.test(query.charAt(at)) && query.charAt(at) !== ')';

function termAt(query: string, start: number): Term {
  const field = fieldAt(query, start);
  if (field === undefined) {
    const value = writtenAt(query, start, false);
    return { kind: 'term', at: start, length: value.length, values: [value] };
  }
  let at = start + field.length + 1;
  const comparison = COMPARISONS.find((sign) => query.startsWith(sign, at));
  if (comparison !== undefined) at += comparison.length;
  const values: Written[] = [];
  for (;;) {
    const value = writtenAt(query, at, true);
    if (value.length === 0) throw valueMissing(query, at, field.name);
    values.push(value);
    at += value.length;
    if (query.charAt(at) !== ',') break;
    at += 1;
  }
  const term = { kind: 'term', at: start, length: at - start, field, values } as const;
  return comparison === undefined ? term : { ...term, comparison };
}

/** `name:`; a name may end in a quoted part, as in `attributes."odd key":`. */
function fieldAt(query: string, start: number): (Span & { name: string }) | undefined {
  if (!/[A-Za-z]/.test(query.charAt(start))) return undefined;
  let at = start;
  let name = '';
  while (at < query.length) {
    const character = query.charAt(at);
    if (character === ':') return { name, at: start, length: at - start };
    if (character === '"' && name.endsWith('.')) {
      const piece = quotedAt(query, at);
      name += piece.text;
      at += piece.length;
    } else if (NAME.test(character)) {
      name += character;
      at += 1;
    } else return undefined;
  }
  return undefined;
}

/** A value or word from here to the next space or parenthesis; in a list of values, or comma. */
function writtenAt(query: string, start: number, inList: boolean): Written {
  const pieces: Piece[] = [];
  let at = start;
  while (at < query.length && !ends(query.charAt(at), inList)) {
    const piece = query.charAt(at) === '"' ? quotedAt(query, at) : bareAt(query, at, inList);
    pieces.push(piece);
    at += piece.length;
  }
  return { at: start, length: at - start, pieces };
}

const ends = (character: string, inList: boolean): boolean =>
  SPACE.test(character) || character === '(' || character === ')' || (inList && character === ',');

function bareAt(query: string, start: number, inList: boolean): Piece {
  let at = start;
  while (at < query.length && query.charAt(at) !== '"' && !ends(query.charAt(at), inList)) at += 1;
  return { at: start, length: at - start, text: query.slice(start, at), quoted: false };
}

/** Between quotes a backslash takes the next character as it is. */
function quotedAt(query: string, start: number): Piece {
  let text = '';
  let at = start + 1;
  while (at < query.length) {
    const character = query.charAt(at);
    if (character === '"') return { at: start, length: at + 1 - start, text, quoted: true };
    if (character === '\\') at += 1;
    text += query.charAt(at);
    at += 1;
  }
  throw new QueryError(
    'this quote is never closed',
    { at: start, length: 1 },
    'Close it with ", or write \\" within quotes for a quote itself.',
  );
}

function valueMissing(query: string, at: number, field: string): QueryError {
  const grouped = query.charAt(at) === '(';
  return new QueryError(
    grouped ? 'a parenthesis where a value belongs' : `${field} has no value here`,
    { at: Math.min(at, Math.max(0, query.length - 1)), length: 1 },
    grouped
      ? `For any of several write ${field}:a,b.`
      : `Write ${field}:value without a space, ${field}:"" for the empty text, or ${field}:* for any.`,
  );
}
