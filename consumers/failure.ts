/**
 * What a failed insert or look-up means for delivery: one total function over the engine's code, the
 * HTTP status and the cause. Only what is known to be the rows' fault is content; whatever is not known
 * at all is an outage, and an outage is waited for. Nothing goes to quarantine because ClickHouse is
 * down. docs/delivery.md, "Outages and pressure", has the table.
 */
import { type CodeClass, ENGINE_CODES } from '../clickhouse/engine-codes.ts';
import { ClickHouseError, ClickHouseUnreachable } from '../clickhouse/errors.ts';
import { LedgerlineError } from '../schemas/errors.ts';

export type Failure =
  /** The engine would not take a row; `row` counts from 1 within the insert. Nothing was written. */
  | { readonly kind: 'content'; readonly row: number | undefined; readonly error: string }
  /** Content too, but of no single row: the insert as a whole is more than is taken. Nothing was written. */
  | { readonly kind: 'too-large'; readonly error: string; readonly hint: string }
  /** The lease in the insert had run out. Nothing was written. */
  | { readonly kind: 'lease'; readonly error: string }
  /** It cannot work before someone changes something. */
  | { readonly kind: 'configuration'; readonly error: string; readonly hint: string }
  /** A fault of ours: nothing that waiting, or an operator, would mend. */
  | { readonly kind: 'bug'; readonly error: string }
  /** Anything else. What was sent may have been written. */
  | { readonly kind: 'outage'; readonly error: string };

/** throwIf: used by the tables for the lease alone. */
const LEASE_OVER = 395;
const TOO_MANY_PARTS = 252;
const TOO_MANY_PARTITIONS = 565;

/** Classifies an error of an insert or of a look-up. Never throws. */
export function classify(error: unknown): Failure {
  const text = textOf(error);
  if (error instanceof ClickHouseError) {
    return error.engineCode === undefined
      ? ofStatus(error.httpStatus, text)
      : ofCode(error, error.engineCode, text);
  }
  if (error instanceof ClickHouseUnreachable) return ofCause(error.cause, text);
  // An error of ours that says of itself that it will not pass, or one that no line of ours has met.
  const known = error instanceof LedgerlineError;
  if (known ? error.retryable : !isFaultOfOurs(error)) return { kind: 'outage', error: text };
  return { kind: 'bug', error: text };
}

/** Anything can be thrown, also what has no text of its own. */
function textOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : `something that is no error (${typeof error})`;
}

function ofCode(refusal: ClickHouseError, code: number, error: string): Failure {
  if (code === LEASE_OVER) return { kind: 'lease', error };
  // "Too many parts" passes when merges have caught up; "too many partitions for one block" never does.
  if (code === TOO_MANY_PARTITIONS || (code === TOO_MANY_PARTS && !refusal.retryable)) {
    const hint = 'start with a smaller LEDGERLINE_BATCH_ROWS';
    return { kind: 'too-large', error, hint };
  }
  const known: CodeClass | undefined = ENGINE_CODES.get(code)?.is;
  const { row, httpStatus } = refusal;
  // Naming a row is blaming it, also with a code that nobody has met, unless what failed was the engine.
  if (known === 'content' || (row !== undefined && known !== 'outage')) {
    return { kind: 'content', row, error };
  }
  if (known === 'configuration') return { kind: 'configuration', error, hint: refusal.hint };
  if (known === 'bug') return { kind: 'bug', error };
  if (known === undefined && isDenial(httpStatus)) {
    return { kind: 'configuration', error, hint: refusal.hint };
  }
  return { kind: 'outage', error };
}

/** An answer that is not ClickHouse's: of a proxy, a balancer, or something else on that port. */
function ofStatus(status: number | undefined, error: string): Failure {
  if (status === 413) {
    const hint =
      'raise the limit of what stands before ClickHouse, or lower LEDGERLINE_BATCH_BYTES';
    return { kind: 'too-large', error, hint };
  }
  if (isDenial(status)) {
    const hint = 'what stands before ClickHouse wants other credentials, or refuses the worker';
    return { kind: 'configuration', error, hint };
  }
  // 404 is what some balancers say while nobody stands behind them, 408, 425 and 429 say "later".
  const later = [404, 408, 425, 429].includes(status ?? 0);
  if (status === undefined || status < 300 || status >= 500 || later) {
    return { kind: 'outage', error };
  }
  const hint = 'check that LEDGERLINE_CLICKHOUSE_URL names the HTTP port of ClickHouse';
  return { kind: 'configuration', error, hint };
}

const isDenial = (status: number | undefined): boolean =>
  status !== undefined && [401, 403, 407].includes(status);

/** OpenSSL's and Node's words for a certificate that is not trusted, or a port that speaks no TLS. */
const TLS =
  /^(EPROTO|CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_(GET|VERIFY|DECRYPT)_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED)/;

/** No answer at all. The cause is Node's, perhaps wrapped by a client, and speaks by its code. */
function ofCause(cause: unknown, error: string): Failure {
  const code = codeIn(cause);
  if (code !== undefined && TLS.test(code)) {
    const hint =
      'check the certificate of ClickHouse, LEDGERLINE_CLICKHOUSE_TLS_CA_FILE, and whether LEDGERLINE_CLICKHOUSE_URL should begin with https or http';
    return { kind: 'configuration', error: `${error} (${code})`, hint };
  }
  if (code === undefined && isFaultOfOurs(cause)) return { kind: 'bug', error };
  return { kind: 'outage', error };
}

/** The first code in a chain of causes; a client may also give several attempts at once. */
function codeIn(cause: unknown, depth = 0): string | undefined {
  if (!(cause instanceof Error) || depth > 4) return undefined;
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  const inner: unknown[] = cause instanceof AggregateError ? cause.errors : [];
  for (const one of [cause.cause, ...inner]) {
    const code = codeIn(one, depth + 1);
    if (code !== undefined) return code;
  }
  return undefined;
}

/** What JavaScript throws at mistakes. Clients throw TypeErrors for sockets too, but with a cause. */
function isFaultOfOurs(error: unknown): boolean {
  const mistake =
    error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return mistake && error.cause === undefined;
}
