/**
 * What an error of the engine means for delivery. Total: whatever is not known to be the messages'
 * fault, or the configuration's, is an outage, and an outage is waited for. Nothing goes to quarantine
 * because ClickHouse is down.
 */
import { ClickHouseError } from '../clickhouse/index.ts';

export type Failure =
  /** The engine would not take a row; `row` counts from 1 within the insert. Nothing was written. */
  | { readonly kind: 'content'; readonly row: number | undefined; readonly error: string }
  /** The lease in the insert had run out. Nothing was written. */
  | { readonly kind: 'lease' }
  /** It cannot work before someone changes something. Nothing was written. */
  | { readonly kind: 'configuration'; readonly error: string }
  /** Anything else. What was sent may have been written. */
  | { readonly kind: 'outage'; readonly error: string };

/** throwIf: used by the tables for the lease alone. */
const LEASE_OVER = 395;

/** Values that cannot be read, types that do not fit, rows that break a constraint. */
const CONTENT = new Set([
  6, // CANNOT_PARSE_TEXT
  10, // NOT_FOUND_COLUMN_IN_BLOCK: an unknown key inside a tuple, such as changes[].foo; names no row
  25, // CANNOT_PARSE_ESCAPE_SEQUENCE
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  32, // ATTEMPT_TO_READ_AFTER_EOF
  33, // CANNOT_READ_ALL_DATA
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  53, // TYPE_MISMATCH
  69, // ARGUMENT_OUT_OF_BOUND
  70, // CANNOT_CONVERT_TYPE
  72, // CANNOT_PARSE_NUMBER
  117, // INCORRECT_DATA: unknown and duplicate keys
  130, // CANNOT_READ_ARRAY_FROM_TEXT
  131, // TOO_LARGE_STRING_SIZE
  306, // TOO_DEEP_RECURSION
  321, // CANNOT_PARSE_BOOL and relatives
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  376, // CANNOT_PARSE_UUID
  407, // DECIMAL_OVERFLOW
  441, // CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING
  467, // CANNOT_PARSE_BOOL
  469, // VIOLATED_CONSTRAINT
  632, // UNEXPECTED_DATA_AFTER_PARSED_VALUE
  675, // CANNOT_PARSE_IPV4
  676, // CANNOT_PARSE_IPV6
  691, // UNKNOWN_ELEMENT_OF_ENUM
]);

/** What retrying does not mend: a table, column or right that is not there, or a wrong password. */
const CONFIGURATION = new Set([
  16, // NO_SUCH_COLUMN_IN_TABLE
  47, // UNKNOWN_IDENTIFIER
  48, // NOT_IMPLEMENTED
  60, // UNKNOWN_TABLE
  62, // SYNTAX_ERROR
  81, // UNKNOWN_DATABASE
  115, // UNKNOWN_SETTING
  192, // UNKNOWN_USER
  193, // WRONG_PASSWORD
  194, // REQUIRED_PASSWORD
  497, // ACCESS_DENIED
  516, // AUTHENTICATION_FAILED
]);

/** Classifies an error of an insert or of a look-up. */
export function classify(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof ClickHouseError ? error.engineCode : undefined;
  if (code === undefined) return { kind: 'outage', error: text };
  if (code === LEASE_OVER) return { kind: 'lease' };
  const { row, retryable } = error as ClickHouseError;
  // Naming a row is blaming it, unless memory ran out there.
  if (CONTENT.has(code) || (row !== undefined && !retryable)) {
    return { kind: 'content', row, error: text };
  }
  if (CONFIGURATION.has(code)) return { kind: 'configuration', error: text };
  // "Too many partitions for one block" is for good; "too many parts" passes. Both are 252.
  if (code === 252 && !retryable) {
    return { kind: 'configuration', error: text };
  }
  return { kind: 'outage', error: text };
}
