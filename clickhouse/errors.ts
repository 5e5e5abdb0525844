import { LedgerlineError } from '../schemas/errors.ts';
import { ENGINE_CODES } from './engine-codes.ts';

/** What the engine said about a refusal, without the values of any row. */
export interface EngineRefusal {
  readonly httpStatus?: number;
  /** ClickHouse's exception code, e.g. 469 for a violated constraint. */
  readonly engineCode?: number;
  /** ClickHouse's name of that code, e.g. `VIOLATED_CONSTRAINT`. */
  readonly engineType?: string;
  /** The violated constraint, where one was. */
  readonly constraint?: string;
  /** The column whose value could not be read, where the engine names it. */
  readonly column?: string;
  /** The first bad row of the insert, counted from 1, where the engine names it. */
  readonly row?: number;
}

/**
 * The server answered with an exception.
 *
 * Codes: `CLICKHOUSE_REFUSED` (an exception of the engine), `CLICKHOUSE_HTTP_ERROR` (an answer that
 * is not ClickHouse's: a proxy's, or another service on that port).
 */
export class ClickHouseError extends LedgerlineError implements EngineRefusal {
  override readonly name = 'ClickHouseError';
  declare readonly httpStatus?: number;
  declare readonly engineCode?: number;
  declare readonly engineType?: string;
  declare readonly constraint?: string;
  declare readonly column?: string;
  declare readonly row?: number;

  constructor(
    code: 'CLICKHOUSE_REFUSED' | 'CLICKHOUSE_HTTP_ERROR',
    message: string,
    refusal: EngineRefusal,
    options: { retryable: boolean; hint: string },
  ) {
    super(code, message, options);
    Object.assign(this, refusal);
  }
}

/**
 * No answer: the connection failed, or the deadline passed. Whether the statement ran is unknown,
 * so an insert that ends this way has to be looked up before it is repeated.
 */
export class ClickHouseUnreachable extends LedgerlineError {
  override readonly name = 'ClickHouseUnreachable';

  constructor(address: string, problem: string, cause?: unknown) {
    super('CLICKHOUSE_UNREACHABLE', `ClickHouse at ${address}: ${problem}`, {
      retryable: true,
      hint: wayOut(cause),
      cause,
    });
  }
}

/** The way out, where the code alone tells it. */
const HINTS: Record<number, string> = {
  16: 'the table lacks a column of this version: run `ledgerline migrate`; a column that was dropped by hand has to be added again by hand, as clickhouse/migrations declares it',
  48: 'this server is too old, or lacks a feature: see docs/operations.md for the versions that are supported',
  60: 'run `ledgerline migrate` first',
  81: 'run `ledgerline migrate` first',
  115: 'this server is too old for a setting that is needed: upgrade it',
  164: 'this user may only read: give it a profile without readonly',
  192: 'check LEDGERLINE_CLICKHOUSE_USER',
  193: 'check LEDGERLINE_CLICKHOUSE_PASSWORD',
  194: 'set LEDGERLINE_CLICKHOUSE_PASSWORD',
  195: 'allow this address for the user',
  452: "allow the named setting in the constraints of this user's profile",
  472: "allow the named setting in the constraints of this user's profile",
  497: 'grant this user the named right',
  516: 'check LEDGERLINE_CLICKHOUSE_USER and LEDGERLINE_CLICKHOUSE_PASSWORD',
  774: 'set table_readonly = 0 for the table, or point the workers at one that may be written to',
};

export interface RefusedAnswer {
  readonly address: string;
  readonly text: string;
  readonly httpStatus?: number | undefined;
  readonly exceptionCode?: string | undefined;
  /**
   * The texts of refused inserts quote the rows they refuse: personal data, which must reach neither
   * log nor terminal. With `rows` the message is built from names and numbers alone.
   */
  readonly quotes: 'statement' | 'rows';
}

/** Turns an answer of the server that is not a success into an error. Pure. */
export function refusalError(answer: RefusedAnswer): ClickHouseError {
  const { text, httpStatus } = answer;
  const found = /Code: (\d+)\./.exec(text)?.[1] ?? answer.exceptionCode;
  const status = httpStatus === undefined ? {} : { httpStatus };
  if (found === undefined || !/^[1-9]\d*$/.test(found)) {
    const said = `ClickHouse at ${answer.address} answered HTTP ${httpStatus ?? 'nothing known'}`;
    return new ClickHouseError('CLICKHOUSE_HTTP_ERROR', `${said}, not as ClickHouse does`, status, {
      retryable: httpStatus === undefined || httpStatus >= 500 || httpStatus === 429,
      hint: 'check that LEDGERLINE_CLICKHOUSE_URL names the HTTP port of ClickHouse',
    });
  }
  const engineCode = Number(found);
  const refusal: EngineRefusal = { ...status, engineCode, ...namesIn(text) };
  const hint = HINTS[engineCode] ?? `look up exception ${engineCode} in ClickHouse's documentation`;
  // 252 is load ("too many parts") or a fault of the rows ("too many partitions"): only one passes.
  const permanent = engineCode === 252 && text.includes('Too many partitions');
  return new ClickHouseError(
    'CLICKHOUSE_REFUSED',
    answer.quotes === 'rows' ? withoutValues(refusal) : firstSentence(text),
    refusal,
    { retryable: ENGINE_CODES.get(engineCode)?.is === 'outage' && !permanent, hint },
  );
}

function namesIn(text: string): EngineRefusal {
  const engineType = text
    .match(/\(([A-Z][A-Z0-9_]{2,})\)/g)
    ?.at(-1)
    ?.slice(1, -1);
  const constraint = /Constraint `?([A-Za-z_]\w*)`? for table/.exec(text)?.[1];
  const column = /(?:value of key|column) `?([A-Za-z_]\w*)`?/.exec(text)?.[1];
  // A text may quote what stands in the row: behind a violated constraint, before a place in the input.
  const row =
    /is violated at row (\d+)/.exec(text)?.[1] ??
    [...text.matchAll(/\(at row (\d+)\)/g)].at(-1)?.[1];
  return {
    ...(engineType === undefined ? {} : { engineType }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(column === undefined || constraint !== undefined ? {} : { column }),
    ...(row === undefined ? {} : { row: Number(row) }),
  };
}

function withoutValues(refusal: EngineRefusal): string {
  const parts = [
    `ClickHouse refused the insert: ${refusal.engineType ?? 'exception'} (${refusal.engineCode})`,
    refusal.constraint && `constraint ${refusal.constraint}`,
    refusal.column && `column ${refusal.column}`,
    refusal.row !== undefined && `row ${refusal.row} of the insert`,
  ];
  return parts.filter(Boolean).join(', ');
}

const MESSAGE_LENGTH = 600;

function firstSentence(text: string): string {
  const said = text
    .replace(/^[\s\S]*?(?:DB::)?Exception: /, '')
    .replace(/\s*\(version [^)]*\)+\s*$/, '')
    .trim();
  return said.length > MESSAGE_LENGTH ? `${said.slice(0, MESSAGE_LENGTH)}…` : said;
}

/** A keep-alive connection that the server had closed before it saw the request. */
export function isStaleSocket(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

const PROBLEMS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name could not be resolved',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'no connection',
  EHOSTUNREACH: 'no route to that host',
};

/** OpenSSL's and Node's words for a certificate that is not trusted, or a port that speaks no TLS. */
const UNTRUSTED = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_|HOSTNAME_MISMATCH)/;
const OTHER_TONGUE = /^(EPROTO|ERR_SSL_)/;

function wayOut(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (UNTRUSTED.test(code)) {
    return 'name the authority that signed its certificate in LEDGERLINE_CLICKHOUSE_TLS_CA_FILE, and the host as the certificate does';
  }
  if (OTHER_TONGUE.test(code)) {
    return 'check whether LEDGERLINE_CLICKHOUSE_URL should begin with http:// or https://';
  }
  return 'check that ClickHouse runs and that LEDGERLINE_CLICKHOUSE_URL names it';
}

/** What kept the answer away, in words; the cause's own text may hold more than the reader should see. */
export function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return (
    PROBLEMS[code] ?? (code === '' ? 'the connection failed' : `the connection failed (${code})`)
  );
}
