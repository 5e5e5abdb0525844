/** A piece of SQL text that means something: not a blank, not a comment. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'other';
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** How many brackets are open around it; a bracket itself counts as outside. */
  readonly depth: number;
}

const BLANK_OR_COMMENT = /(?:\s+|--[^\n]*|#[! ][^\n]*|\/\*[\s\S]*?(?:\*\/|$))+/y;
// Quotes end at the same quote, unless it is doubled or behind a backslash.
const QUOTED =
  /'(?:[^'\\]+|\\[\s\S]|'')*'?|"(?:[^"\\]+|\\[\s\S]|"")*"?|`(?:[^`\\]+|\\[\s\S]|``)*`?/y;
const HEREDOC = /\$(\w*)\$[\s\S]*?\$\1\$/y;
const WORD = /[\p{L}_$\d][\p{L}\w$]*/uy;

/**
 * Splits ClickHouse SQL into tokens, lazily: the rows of an INSERT follow its SQL in the same
 * text, and are no SQL. It knows just enough to find clauses outside quotes, comments and brackets.
 */
export function* tokens(sql: string): Generator<Token> {
  let depth = 0;
  let at = 0;
  while (at < sql.length) {
    const blank = match(BLANK_OR_COMMENT, sql, at);
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    const start = at;
    const quoted = match(QUOTED, sql, at) ?? match(HEREDOC, sql, at);
    const word = quoted === undefined ? match(WORD, sql, at) : undefined;
    const text = quoted ?? word ?? sql.charAt(at);
    at += text.length;
    if (')]}'.includes(text)) depth = Math.max(0, depth - 1);
    const kind = quoted === undefined ? (word === undefined ? 'other' : 'word') : 'quoted';
    yield { kind, text, start, end: at, depth };
    if ('([{'.includes(text)) depth += 1;
  }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
