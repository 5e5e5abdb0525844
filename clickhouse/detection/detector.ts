/**
 * A detector is data: a query, thresholds, and words for people. docs/detection.md describes each, and
 * how to write another.
 */

/** A number, or a list of names, that decides what is unusual. Bound to `{name:type}` in the query. */
export type Threshold = {
  /** What it means, and in which unit. */
  readonly says: string;
} & (
  | { readonly type: 'Float64'; readonly value: number }
  | { readonly type: 'Array(String)'; readonly value: readonly string[] }
);

export interface Detector {
  /** In lower case with dashes; part of its findings' ids. */
  readonly name: string;
  readonly title: string;
  /** The rule by which something is unusual. */
  readonly statistic: string;
  /** Where the rule comes from. */
  readonly source: string;
  /** Days before the day in question that the query reads. */
  readonly historyDays: number;
  /** Days that the ledger must have before it, or there is nothing to compare with. 0: none. */
  readonly needsDays: number;
  /** `ledger`: it is about the whole of it, and is left out where only some tenants are asked for. */
  readonly scope: 'tenant' | 'ledger';
  readonly thresholds: Readonly<Record<string, Threshold>>;
  /**
   * Answers the columns of {@link FindingRow}, and any others that the words name. Beside the thresholds
   * it has the parameters of `./parameters.ts`.
   */
  readonly query: string;
  /** What was seen, and why that is unusual; `{column}` stands for a column of the answer. */
  readonly words: { readonly what: string; readonly why: string };
}

/** What every detector's query answers. */
export interface FindingRow {
  /** Empty: the whole ledger's. */
  readonly tenant: string;
  /** What it is about: an actor (its type, its id), `event_type`, `service`, `producer`. */
  readonly subject_type: string;
  readonly subject_id: string;
  /** Seconds since 1970. */
  readonly start: number;
  readonly until: number;
  /** Tells findings about one subject that start together apart; usually empty. */
  readonly key: string;
  readonly observed: number;
  readonly expected: number;
  /** How unusual: 1 is just enough, in multiples of the threshold. */
  readonly score: number;
  /** Terms of the search that shows it: field and value. Values of one field are alternatives. */
  readonly search: readonly (readonly [field: string, value: string])[];
  readonly [column: string]: unknown;
}

/** @example defineDetector({ name: 'night-watch', … }) */
export const defineDetector = (detector: Detector): Detector => detector;
