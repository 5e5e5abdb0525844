import { QUERY_LIMITS } from './limits.ts';
import { QueryError } from './query-error.ts';
import type { Syntax } from './syntax.ts';
import { type Token, tokensOf } from './tokens.ts';

/**
 * Reads a query. Terms side by side must all match; `OR` binds weaker than that, `-` and `NOT` stronger.
 * An empty query matches everything. Pure.
 *
 * @throws QueryError, pointing at the character
 *
 * @example
 * parseQuery('outcome:denied (actor:u_7 OR actor:u_8) -service:cron');
 */
export function parseQuery(query: string): Syntax {
  const tokens = tokensOf(query);
  let next = 0;

  const any = (depth: number, opening?: Token): Syntax => {
    const alternatives = [all(depth, opening)];
    while (tokens[next]?.kind === 'or') {
      next += 1;
      alternatives.push(all(depth, tokens[next - 1]));
    }
    return alternatives.length === 1
      ? (alternatives[0] as Syntax)
      : { kind: 'any', of: alternatives };
  };

  /** Terms up to `OR`, a closing parenthesis or the end; none only where the whole query is empty. */
  const all = (depth: number, before?: Token): Syntax => {
    const parts: Syntax[] = [];
    for (;;) {
      const token = tokens[next];
      if (token?.kind === 'and') {
        if (parts.length === 0) throw lonely(token, 'AND');
        next += 1;
        parts.push(one(depth, token));
        continue;
      }
      if (token === undefined || token.kind === 'or' || token.kind === ')') break;
      parts.push(one(depth, token));
    }
    if (parts.length === 0 && (before !== undefined || tokens.length > 0)) {
      throw nothingAt(tokens[next], before);
    }
    return parts.length === 1 ? (parts[0] as Syntax) : { kind: 'all', of: parts };
  };

  const one = (depth: number, before: Token): Syntax => {
    const token = tokens[next];
    if (token === undefined) throw nothingAt(undefined, before);
    next += 1;
    switch (token.kind) {
      case 'term':
        return token;
      case 'not': {
        // Doubled negations cancel out here, so that a row of minus signs builds no depth.
        let negated = true;
        let last: Token = token;
        for (let sign = tokens[next]; sign?.kind === 'not'; sign = tokens[next]) {
          next += 1;
          negated = !negated;
          last = sign;
        }
        const of = one(depth, last);
        return negated ? { kind: 'not', of } : of;
      }
      case '(': {
        if (depth === QUERY_LIMITS.depth) {
          throw new QueryError(
            `more than ${QUERY_LIMITS.depth} parentheses within each other`,
            token,
            'Take away those that change nothing, or ask in several searches.',
          );
        }
        const inner = any(depth + 1, token);
        if (tokens[next]?.kind !== ')') {
          throw new QueryError(
            'this parenthesis is never closed',
            token,
            'Close it with ), or put it in quotes to search for it.',
          );
        }
        next += 1;
        return inner;
      }
      case 'or':
      case 'and':
      case ')':
        throw nothingAt(token, before);
    }
  };

  const whole = any(0);
  const left = tokens[next];
  if (left !== undefined) throw lonely(left, ')');
  return whole;
}

const lonely = (token: Token, what: string): QueryError =>
  what === ')'
    ? new QueryError(
        'this parenthesis was never opened',
        token,
        'Take it away, or put it in quotes to search for it.',
      )
    : nothingAt(token, undefined);

/** Something is missing: between parentheses, beside OR, AND or NOT. */
function nothingAt(found: Token | undefined, before: Token | undefined): QueryError {
  const sign = before ?? found;
  const words =
    sign === undefined || sign.kind === 'term'
      ? 'it'
      : sign.kind.toUpperCase().replace('NOT', 'NOT or -');
  if (sign?.kind === ')') return lonely(sign, ')');
  return new QueryError(
    sign?.kind === '('
      ? 'nothing between the parentheses'
      : `nothing for ${words} to join or negate`,
    sign ?? { at: 0, length: 1 },
    'Write a term there, or put OR, AND and NOT in quotes to search for the words.',
  );
}
