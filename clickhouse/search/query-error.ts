import { LedgerlineError } from '../../schemas/errors.ts';

/** A stretch of a query: the index of its first UTF-16 unit, and how many there are. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/**
 * A query that cannot be read. `at` is the index of the character that is wrong, `length` how far the
 * fault reaches, so that an editor can underline it.
 */
export class QueryError extends LedgerlineError {
  override readonly name = 'QueryError';
  readonly at: number;
  readonly length: number;

  constructor(problem: string, span: Span, hint: string) {
    super('QUERY_INVALID', `The query, at character ${span.at + 1}: ${problem}.`, { hint });
    this.at = span.at;
    this.length = span.length;
  }
}
