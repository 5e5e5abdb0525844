import type { Span } from './query-error.ts';

/** A run of characters as written; a quoted one stands for itself, stars and dots included. */
export interface Piece extends Span {
  readonly text: string;
  readonly quoted: boolean;
}

/** One value, made of pieces without space between them: `"a b"*`. */
export interface Written extends Span {
  readonly pieces: readonly Piece[];
}

export type Comparison = '>' | '>=' | '<' | '<=';

/** `name:value,value`, or words without a field. */
export interface Term extends Span {
  readonly kind: 'term';
  readonly field?: Span & { readonly name: string };
  readonly comparison?: Comparison;
  /** Any of them may match. Never empty. */
  readonly values: readonly Written[];
}

/** What a query says, before any field is looked up. */
export type Syntax =
  | Term
  | { readonly kind: 'not'; readonly of: Syntax }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Syntax[] };

/** The text of a value, quotes taken away. */
export const plainText = ({ pieces }: Written): string => pieces.map(({ text }) => text).join('');
