/**
 * Bounds of a query, all checked before anything is asked: what people write is far below them, and
 * what is above them is refused in the time it takes to read its first characters.
 */
export const QUERY_LIMITS = {
  /** UTF-16 units of the whole text. */
  length: 8192,
  /** Values and words, counted over the whole query. */
  terms: 100,
  /** Parentheses within parentheses. */
  depth: 20,
  /** `*` in one value. */
  wildcards: 10,
} as const;
