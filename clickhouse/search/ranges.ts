import { QueryError } from './query-error.ts';
import type { Comparison, Written } from './syntax.ts';
import { plainText } from './syntax.ts';

/** A value as it bounds something: one value, or from one to another; `undefined` is an open end. */
export type Bounds<T> =
  | { readonly kind: 'one'; readonly value: T }
  | { readonly kind: 'range'; readonly from: T | undefined; readonly to: T | undefined };

/** A value written as `a..b`, `a..`, `..b` (a star for an open end), or as one value. */
export function boundsOf(written: Written): Bounds<Written> {
  const index = written.pieces.findIndex(({ text, quoted }) => !quoted && text.includes('..'));
  const piece = written.pieces[index];
  if (piece === undefined) return { kind: 'one', value: written };
  const dots = piece.text.indexOf('..');
  const end = piece.at + dots + 2;
  const before = { ...piece, text: piece.text.slice(0, dots), length: dots };
  const behind = {
    ...piece,
    text: piece.text.slice(dots + 2),
    at: end,
    length: piece.length - dots - 2,
  };
  const side = (pieces: Written['pieces'], at: number, length: number): Written | undefined => {
    const value = { at, length, pieces };
    return ['', '*'].includes(plainText(value)) && !pieces.some(({ quoted }) => quoted)
      ? undefined
      : value;
  };
  const from = side([...written.pieces.slice(0, index), before], written.at, end - 2 - written.at);
  const to = side(
    [behind, ...written.pieces.slice(index + 1)],
    end,
    written.at + written.length - end,
  );
  if (from === undefined && to === undefined) {
    throw new QueryError(
      'a range without ends',
      written,
      'Write a..b, a.. or ..b, or leave the field out.',
    );
  }
  return { kind: 'range', from, to };
}

/** Comparisons take one value each. */
export function refuseComparison(comparison: Comparison | undefined, written: Written): void {
  if (comparison === undefined) return;
  throw new QueryError(
    `${comparison} compares numbers, times and severities, which this field has not`,
    { at: written.at - comparison.length, length: comparison.length },
    'Leave the sign out, or put the value in quotes where it begins with one.',
  );
}
