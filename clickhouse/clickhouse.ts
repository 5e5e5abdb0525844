import type { Readable } from 'node:stream';

export const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;

export interface ClickHouseConfig {
  /** HTTP(S) address, e.g. `http://127.0.0.1:8123`. */
  readonly url: string;
  /** Default `default`. May be missing on the server until `migrate` has made it. */
  readonly database?: string;
  /** A name of the servers' `remote_servers`, where the tables are replicated and spread. Default: one node. */
  readonly cluster?: string | undefined;
  /** Default `default`. */
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authorities that may have signed an https server's certificate. Default: Node's own. */
  readonly caCertificate?: string | undefined;
  /** Deadline of each call that names none of its own, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Shown in ClickHouse's query log as the user agent. */
  readonly application?: string;
  /** How insert bodies travel. Default `none`: on one machine, or one rack, gzip costs more than it saves. */
  readonly compression?: 'none' | 'gzip';
}

export type Settings = Readonly<Record<string, string | number>>;

export interface CallOptions {
  /** Bound to `{name:Type}` in the statement; values never enter the SQL text. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly settings?: Settings;
  readonly signal?: AbortSignal;
  /** Deadline of the whole call, in milliseconds. */
  readonly timeoutMs?: number;
  /** Instead of the database of the configuration. */
  readonly database?: string;
}

export interface InsertOptions {
  readonly table: string;
  readonly columns: readonly string[];
  /** The format of `body`, e.g. `JSONEachRow`. */
  readonly format: string;
  /** Bytes already in `format`; they are passed on untouched. */
  readonly body: Readable | Iterable<Buffer>;
  /**
   * A SELECT over `input(…)` that the rows go through. Servers count what such an insert wrote, the
   * embedded engine does not: the SELECT itself has to refuse any number of rows but `rows`.
   */
  readonly through?: { readonly select: string; readonly rows: number };
  readonly settings?: Settings;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ClickHouse {
  /** The configured database. */
  readonly database: string;
  /** The configured cluster; undefined on one node. */
  readonly cluster?: string | undefined;
  /** Rows of a SELECT; 64-bit integers are strings, because JSON numbers would lose digits. */
  query<T>(sql: string, options?: CallOptions): Promise<T[]>;
  /** The bytes of a SELECT's result. The deadline counts until the last byte; read it to the end or destroy it. */
  stream(sql: string, options: CallOptions & { readonly format: string }): Promise<Readable>;
  /** A statement without a result: DDL, a mutation, INSERT … SELECT. Never repeated by the client. */
  command(sql: string, options?: CallOptions): Promise<void>;
  /** Never repeated by the client: only the caller knows whether a second one would double rows. */
  insert(insert: InsertOptions): Promise<{ readonly writtenRows: number }>;
  /** Resolves when the server answers; says nothing of user or password. Default deadline 5,000 ms. */
  ping(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}
