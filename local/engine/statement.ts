import { type Token, tokens } from './tokens.ts';

/** What the endpoint must know of a statement before the engine sees it. */
export type Statement =
  /** Answers rows: its output can be sent to a file. */
  | {
      readonly kind: 'select';
      readonly body: string;
      readonly tail: string;
      readonly format?: string;
    }
  /** Carries rows behind its SQL, or in the request's body. */
  | {
      readonly kind: 'insert';
      /** INSERT INTO t (a, b) */
      readonly head: string;
      /** SETTINGS a = 1, when it has them */
      readonly settings: string;
      readonly format: string;
      /** Rows that stand in the statement's own text. */
      readonly rows: string;
    }
  /** An INSERT … SELECT over `input(structure)`, which reads the body's rows. */
  | {
      readonly kind: 'insert-select';
      /** INSERT INTO t (a, b) SELECT a, b FROM */
      readonly head: string;
      /** The arguments of input: its structure. */
      readonly structure: string;
      /** What follows input(…), up to FORMAT. */
      readonly tail: string;
      readonly format: string;
      readonly rows: string;
    }
  /** Everything else: answers little or nothing. */
  | { readonly kind: 'other' }
  /** Names a file of the server's machine, which no client may do. */
  | { readonly kind: 'file'; readonly clause: 'INTO OUTFILE' | 'FROM INFILE' }
  | { readonly kind: 'many'; readonly at: number }
  | { readonly kind: 'empty' };

const ANSWERS_ROWS = new Set([
  'SELECT',
  'WITH',
  'FROM',
  'SHOW',
  'DESCRIBE',
  'DESC',
  'EXISTS',
  'EXPLAIN',
  'CHECK',
]);

/** Reads as much of a statement as decides how it is run. */
export function readStatement(sql: string): Statement {
  const stream = tokens(sql);
  const first = stream.next().value as Token | undefined;
  if (first === undefined || first.text === ';') return { kind: 'empty' };
  if (is(first, 'INSERT')) return readInsert(sql, first, stream);

  const all = [first, ...stream];
  const semicolon = all.findIndex((token) => token.text === ';');
  if (semicolon >= 0 && all.slice(semicolon).some((token) => token.text !== ';')) {
    return { kind: 'many', at: all[semicolon]?.start ?? 0 };
  }
  const one = semicolon < 0 ? all : all.slice(0, semicolon);
  if (hasClause(one, 'INTO', 'OUTFILE')) return { kind: 'file', clause: 'INTO OUTFILE' };
  const starts = one.find((token) => token.text !== '(');
  if (starts === undefined || !ANSWERS_ROWS.has(starts.text.toUpperCase()))
    return { kind: 'other' };
  return readSelect(sql, one);
}

/** Splits off `FORMAT x [SETTINGS …]`, before which INTO OUTFILE must stand. */
function readSelect(sql: string, all: readonly Token[]): Statement {
  const end = all.at(-1)?.end ?? sql.length;
  const at = all.findLastIndex((token, index) => {
    const after = all[index + 2];
    return (
      is(token, 'FORMAT') &&
      all[index + 1]?.kind === 'word' &&
      (after === undefined || is(after, 'SETTINGS'))
    );
  });
  const format = all[at];
  const name = all[at + 1];
  if (at <= 0 || format === undefined || name === undefined) {
    return { kind: 'select', body: sql.slice(0, end), tail: '' };
  }
  return {
    kind: 'select',
    body: sql.slice(0, format.start),
    tail: sql.slice(format.start, end),
    format: name.text,
  };
}

function readInsert(sql: string, insert: Token, stream: Generator<Token>): Statement {
  let settings: Token | undefined;
  let format: Token | undefined;
  let before: Token = insert;
  for (const token of stream) {
    const named = is(before, 'INTO') || is(before, 'TABLE') || before.text === '.';
    if (named && !is(token, 'TABLE') && !is(token, 'FUNCTION')) {
      // The table's name, which may be any word; none of it is a clause.
    } else if (format !== undefined || is(token, 'VALUES')) {
      const clause = format ?? token;
      return {
        kind: 'insert',
        head: sql.slice(0, (settings ?? clause).start),
        settings: settings === undefined ? '' : sql.slice(settings.start, clause.start),
        format: format === undefined ? 'Values' : token.text,
        rows: rowsFrom(sql, token.end),
      };
    } else if (is(token, 'SELECT') || is(token, 'WITH')) {
      return readInsertSelect(sql, stream);
    } else if (is(before, 'FROM') && is(token, 'INFILE')) {
      return { kind: 'file', clause: 'FROM INFILE' };
    } else if (is(token, 'SETTINGS')) {
      settings ??= token;
    } else if (is(token, 'FORMAT')) {
      format = token;
    }
    before = token;
  }
  return { kind: 'other' };
}

function readInsertSelect(sql: string, stream: Generator<Token>): Statement {
  let input: Token | undefined;
  let opened: Token | undefined;
  let closed: Token | undefined;
  let format: Token | undefined;
  let before: Token | undefined;
  for (const token of stream) {
    if (format !== undefined) {
      if (input === undefined || opened === undefined || closed === undefined) break;
      return {
        kind: 'insert-select',
        head: sql.slice(0, input.start),
        structure: sql.slice(opened.end, closed.start),
        tail: sql.slice(closed.end, format.start),
        format: token.text,
        rows: rowsFrom(sql, token.end),
      };
    }
    if (input === undefined && token.text === '(' && before?.text.toLowerCase() === 'input') {
      input = before;
      opened = token;
    } else if (token.text === ')' && token.depth === input?.depth) {
      closed ??= token;
    } else if (is(token, 'FORMAT')) {
      format = token;
    }
    before = token;
  }
  return { kind: 'other' };
}

/** Rows start after the blanks and the one line end behind the format's name. */
function rowsFrom(sql: string, at: number): string {
  return sql.slice(at).replace(/^[ \t]*;?[ \t]*\r?\n?/, '');
}

function is(token: Token, word: string): boolean {
  return token.kind === 'word' && token.depth === 0 && token.text.toUpperCase() === word;
}

function hasClause(all: readonly Token[], first: string, second: string): boolean {
  return all.some((token, index) => {
    const after = all[index + 1];
    return is(token, first) && after !== undefined && is(after, second);
  });
}
