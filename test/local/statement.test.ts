import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identifier, stringLiteral } from '../../local/engine/literals.ts';
import { readStatement } from '../../local/engine/statement.ts';
import { tokens } from '../../local/engine/tokens.ts';

describe('reading a statement', () => {
  it.each([
    ['SELECT 1', { kind: 'select', body: 'SELECT 1', tail: '' }],
    ['SELECT 1 ; -- done', { kind: 'select', body: 'SELECT 1', tail: '' }],
    [
      'SELECT 1 format JSON SETTINGS a = 1',
      { kind: 'select', body: 'SELECT 1 ', tail: 'format JSON SETTINGS a = 1', format: 'JSON' },
    ],
    ["SELECT 'a FORMAT b'", { kind: 'select', body: "SELECT 'a FORMAT b'", tail: '' }],
    ['SELECT 1 AS format', { kind: 'select', body: 'SELECT 1 AS format', tail: '' }],
    ['SELECT (1 FORMAT x)', { kind: 'select', body: 'SELECT (1 FORMAT x)', tail: '' }],
    ["SELECT 'it''s; not over'", { kind: 'select', body: "SELECT 'it''s; not over'", tail: '' }],
    ['SELECT 1; SELECT 2', { kind: 'many', at: 8 }],
    ['CREATE TABLE t (a UInt8) ENGINE = Memory', { kind: 'other' }],
    ['INSERT INTO t SELECT 1', { kind: 'other' }],
    ['INSERT INTO t WITH 1 AS x SELECT x', { kind: 'other' }],
    [
      "INSERT INTO t (a) SELECT b FROM input('b Enum(\\'(\\' = 1)') WHERE b != ')' FORMAT CSV\n1\n",
      {
        kind: 'insert-select',
        head: 'INSERT INTO t (a) SELECT b FROM ',
        structure: "'b Enum(\\'(\\' = 1)'",
        tail: " WHERE b != ')' ",
        format: 'CSV',
        rows: '1\n',
      },
    ],
    ['INSERT INTO t SELECT input FROM format', { kind: 'other' }],
    ["SELECT 1 INTO OUTFILE 'x'", { kind: 'file', clause: 'INTO OUTFILE' }],
    ["INSERT INTO t FROM INFILE 'x' FORMAT CSV", { kind: 'file', clause: 'FROM INFILE' }],
    [' -- nothing\n', { kind: 'empty' }],
    [';', { kind: 'empty' }],
    [
      "INSERT INTO d.format (a, `values`) VALUES (1, ';')",
      {
        kind: 'insert',
        head: 'INSERT INTO d.format (a, `values`) ',
        settings: '',
        format: 'Values',
        rows: "(1, ';')",
      },
    ],
    [
      'INSERT INTO values SETTINGS a = 1 FORMAT TSV\n\tx\n',
      {
        kind: 'insert',
        head: 'INSERT INTO values ',
        settings: 'SETTINGS a = 1 ',
        format: 'TSV',
        rows: '\tx\n',
      },
    ],
    [
      'INSERT INTO {t:Identifier} FORMAT JSONEachRow',
      {
        kind: 'insert',
        head: 'INSERT INTO {t:Identifier} ',
        settings: '',
        format: 'JSONEachRow',
        rows: '',
      },
    ],
  ])('%j', (sql, statement) => {
    expect(readStatement(sql)).toEqual(statement);
  });

  it('reads the rows of an INSERT as no SQL, however large they are', () => {
    const rows = `('${'x'.repeat(5_000_000)}')`;
    expect(readStatement(`INSERT INTO t VALUES ${rows}`)).toMatchObject({ rows });
    expect(readStatement(`SELECT ${rows}`)).toMatchObject({ kind: 'select' });
  });

  it('loses no text between its tokens but blanks and comments', () => {
    fc.assert(
      fc.property(fc.string(), (sql) => {
        let at = 0;
        for (const token of tokens(sql)) {
          expect(token.start).toBeGreaterThanOrEqual(at);
          expect(sql.slice(token.start, token.end)).toBe(token.text);
          at = token.end;
        }
        expect(at).toBeLessThanOrEqual(sql.length);
      }),
    );
  });

  it('quotes any text as exactly one token', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect([...tokens(stringLiteral(text))]).toHaveLength(1);
        expect([...tokens(identifier(text))]).toHaveLength(1);
      }),
    );
  });
});
