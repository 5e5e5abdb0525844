/**
 * The closed vocabularies of the ledger. Each object's numbers are the ids ClickHouse stores
 * (`Enum8`), so their order and values can never change; adding a word at the end is a migration.
 */

/** What was done to the target. `unknown` is for imports whose source does not say. */
export const OPERATIONS = {
  unknown: 0,
  create: 1,
  read: 2,
  update: 3,
  delete: 4,
  execute: 5,
  export: 6,
} as const;

/** How it ended. `failure`: it was tried and broke; `denied`: it was not allowed. */
export const OUTCOMES = { unknown: 0, success: 1, failure: 2, denied: 3 } as const;

/** How much it matters. The numbers are OCSF's `severity_id`. */
export const SEVERITIES = { informational: 1, low: 2, medium: 3, high: 4, critical: 5 } as const;

/** The operations of RFC 6902 (JSON Patch), section 4. */
export const CHANGE_OPS = { add: 1, remove: 2, replace: 3, move: 4, copy: 5, test: 6 } as const;

/** Retention classes every ledger starts with; how many days each has is the table's business. */
export const RETENTION_CLASSES = ['standard', 'protected', 'archive'] as const;

/** Categories that no policy can silence and no producer can give a shorter retention class. */
export const PROTECTED_CATEGORIES = ['security', 'authorization', 'ledger'] as const;

export type Operation = keyof typeof OPERATIONS;
export type Outcome = keyof typeof OUTCOMES;
export type Severity = keyof typeof SEVERITIES;
export type ChangeOp = keyof typeof CHANGE_OPS;

/** The ClickHouse type of a vocabulary: `enum8({ no: 0, yes: 1 })` is `Enum8('no' = 0, 'yes' = 1)`. */
export const enum8 = (words: Readonly<Record<string, number>>): string =>
  `Enum8(${Object.entries(words)
    .map(([word, id]) => `'${word}' = ${id}`)
    .join(', ')})`;

/** The words of a vocabulary, typed, for `z.enum`. */
export const wordsOf = <W extends string>(vocabulary: Readonly<Record<W, number>>): [W, ...W[]] =>
  Object.keys(vocabulary) as [W, ...W[]];
