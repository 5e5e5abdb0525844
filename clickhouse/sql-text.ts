/** Where things end in a text of SQL that we wrote ourselves: parentheses nest, quotes hide. Pure. */

/** The index of the parenthesis that closes the one at `open`; the text's length where none does. */
export function closingParenthesis(sql: string, open: number): number {
  let depth = 0;
  for (let at = open; at < sql.length; at++) {
    at = behindQuotes(sql, at);
    if (sql[at] === '(') depth++;
    if (sql[at] === ')' && --depth === 0) return at;
  }
  return sql.length;
}

/** The parts between commas that stand in no parentheses and no quotes, without comments in front. */
export function splitAtCommas(sql: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < sql.length; at++) {
    at = behindQuotes(sql, at);
    if (sql[at] === '(') at = closingParenthesis(sql, at);
    if (sql[at] === ',') {
      parts.push(sql.slice(from, at).trim());
      from = at + 1;
    }
  }
  return [...parts, sql.slice(from).trim()].map((part) => part.replace(/^(?:--.*\s*)+/, ''));
}

/** The closing quote's index where one opens at `at`, the line's last where a comment does, else `at`. */
function behindQuotes(sql: string, at: number): number {
  const quote = sql[at];
  if (quote === '-' && sql[at + 1] === '-') {
    const end = sql.indexOf('\n', at);
    return end < 0 ? sql.length : end;
  }
  if (quote !== "'" && quote !== '`' && quote !== '"') return at;
  let end = at + 1;
  while (end < sql.length && sql[end] !== quote) end += sql[end] === '\\' ? 2 : 1;
  return end;
}
