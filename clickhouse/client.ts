import { Readable } from 'node:stream';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { LedgerlineError } from '../schemas/errors.ts';
import { DEFAULT_REQUEST_TIMEOUT_MS } from './clickhouse.ts';
import type { CallOptions, ClickHouse, ClickHouseConfig, Settings } from './clickhouse.ts';
import { assertClusterName, CLUSTER_SETTINGS } from './cluster.ts';
import { ClickHouseUnreachable, isStaleSocket, problemOf, refusalError } from './errors.ts';
import { readText, withoutTrailingException } from './response.ts';
import type { AnswerHead } from './response.ts';

/** Workers insert from up to eight partitions at once, beside look-ups and health checks. */
const MAX_CONNECTIONS = 16;

/**
 * Opens a pool of connections; nothing is sent before the first call.
 *
 * Every call has a deadline. Errors are `ClickHouseError` (the server said no) and
 * `ClickHouseUnreachable` (no answer); neither carries the password, a bound value, or, for inserts,
 * any part of a row.
 *
 * @example
 * const clickhouse = openClickHouse({ url: 'http://127.0.0.1:8123', database: 'ledgerline' });
 * const [row] = await clickhouse.query<{ n: string }>(
 *   'SELECT count() AS n FROM audit_events WHERE tenant_id = {tenant:String}',
 *   { params: { tenant: 'acme' } },
 * );
 * await clickhouse.close();
 */
export function openClickHouse(config: ClickHouseConfig): ClickHouse {
  const database = config.database ?? 'default';
  const requestTimeoutMs = config.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
  const address = new URL(config.url).origin;
  if (config.cluster !== undefined) assertClusterName(config.cluster);
  const standing: Settings = config.cluster === undefined ? {} : CLUSTER_SETTINGS;
  const client = createClient({
    url: address,
    username: config.username ?? 'default',
    password: config.password ?? '',
    ...(config.caCertificate === undefined
      ? {}
      : { tls: { ca_cert: Buffer.from(config.caCertificate) } }),
    ...(config.application === undefined ? {} : { application: config.application }),
    // Its own timeout watches idle sockets only; the deadlines below cover the whole call.
    request_timeout: 2 ** 31 - 1,
    max_open_connections: MAX_CONNECTIONS,
    keep_alive: { enabled: true, eagerly_destroy_stale_sockets: true },
    compression: { request: config.compression === 'gzip' },
    // Its messages hold statements and parameters, which may be personal data.
    log: { level: ClickHouseLogLevel.OFF },
  });

  interface Call extends CallOptions {
    readonly sql: string;
    readonly values?: Readable;
    readonly quotes: 'statement' | 'rows';
  }

  interface Answer {
    readonly head: AnswerHead;
    readonly stream: Readable;
    readonly signal: AbortSignal;
    readonly writtenRows: number | undefined;
  }

  async function call(options: Call): Promise<Answer> {
    const timeoutMs = options.timeoutMs ?? requestTimeoutMs;
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
    options.signal?.throwIfAborted();
    try {
      const answer = await client.exec({
        query: options.sql,
        query_params: { ...options.params },
        // `database` travels as a setting so that one pool can also reach the server before the
        // configured database exists.
        clickhouse_settings: {
          ...standing,
          ...options.settings,
          database: options.database ?? database,
        },
        abort_signal: signal,
        ignore_error_response: true,
        ...(options.values === undefined ? {} : { values: options.values }),
      });
      const head: AnswerHead = {
        status: answer.http_status_code ?? 0,
        exceptionCode: header(answer.response_headers['x-clickhouse-exception-code']),
        exceptionTag: header(answer.response_headers['x-clickhouse-exception-tag']),
      };
      if (head.status !== 200 || head.exceptionCode !== undefined) {
        const text = await readText(answer.stream, signal);
        throw refusalError({
          address,
          text,
          httpStatus: head.status,
          exceptionCode: head.exceptionCode,
          quotes: options.quotes,
        });
      }
      const written = answer.summary?.written_rows;
      return {
        head,
        stream: answer.stream,
        signal,
        writtenRows: written === undefined ? undefined : Number(written),
      };
    } catch (error) {
      throw describe(error, options.signal, deadline, timeoutMs);
    }
  }

  function describe(
    error: unknown,
    caller: AbortSignal | undefined,
    deadline: AbortSignal,
    timeoutMs: number,
  ): unknown {
    if (isOurs(error)) return error;
    if (caller?.aborted) return caller.reason;
    if (deadline.aborted) {
      return new ClickHouseUnreachable(address, `no answer within ${timeoutMs} ms`, error);
    }
    return new ClickHouseUnreachable(address, problemOf(error), error);
  }

  /** A read may be asked again: a keep-alive socket that the server closed is not a failure. */
  async function read<T>(options: Call, take: (answer: Answer) => Promise<T>): Promise<T> {
    const once = async (): Promise<T> => {
      const answer = await call(options);
      try {
        return await take(answer);
      } catch (error) {
        throw describe(error, options.signal, answer.signal, options.timeoutMs ?? requestTimeoutMs);
      }
    };
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof ClickHouseUnreachable) || !isStaleSocket(error.cause)) throw error;
      return once();
    }
  }

  const readFormat = (sql: string, format: string): string => `${sql}\nFORMAT ${format}`;

  return {
    database,
    cluster: config.cluster,

    query<T>(sql: string, options: CallOptions = {}) {
      const settings = { output_format_json_quote_64bit_integers: 1, ...options.settings };
      const statement = readFormat(sql, 'JSONEachRow');
      return read({ ...options, settings, sql: statement, quotes: 'statement' }, async (answer) => {
        const text = await readText(
          withoutTrailingException(answer.stream, answer.head, address),
          answer.signal,
        );
        return text
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as T);
      });
    },

    stream(sql, { format, ...options }) {
      const statement = readFormat(sql, format);
      return read({ ...options, sql: statement, quotes: 'statement' }, (answer) => {
        const { stream, signal } = answer;
        const onDeadline = (): void => {
          stream.destroy(new ClickHouseUnreachable(address, 'the result was not read in time'));
        };
        signal.addEventListener('abort', onDeadline, { once: true });
        stream.once('close', () => signal.removeEventListener('abort', onDeadline));
        return Promise.resolve(withoutTrailingException(stream, answer.head, address));
      });
    },

    async command(sql, options = {}) {
      const answer = await call({ ...options, sql, quotes: 'statement' });
      await drained(answer);
    },

    async insert(insert) {
      const { through } = insert;
      const columns = insert.columns.map(quoted).join(', ');
      const into = `INSERT INTO ${quoted(insert.table)} (${columns})`;
      const answer = await call({
        sql: `${into} ${through ? `${through.select} ` : ''}FORMAT ${insert.format}`,
        values: insert.body instanceof Readable ? insert.body : bytesOf(insert.body),
        quotes: 'rows',
        ...(insert.settings === undefined ? {} : { settings: insert.settings }),
        ...(insert.timeoutMs === undefined ? {} : { timeoutMs: insert.timeoutMs }),
        ...(insert.signal === undefined ? {} : { signal: insert.signal }),
      });
      await drained(answer);
      if (through && !answer.writtenRows) return { writtenRows: through.rows };
      if (answer.writtenRows === undefined) {
        throw new ClickHouseUnreachable(address, 'the answer to an insert had no summary');
      }
      return { writtenRows: answer.writtenRows };
    },

    async ping(timeoutMs = 5_000) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const answer = await client.ping({ select: false, abort_signal: deadline });
      if (!answer.success) throw describe(answer.error, undefined, deadline, timeoutMs);
    },

    close: () => client.close(),
  };

  async function drained(answer: Answer): Promise<void> {
    try {
      await readText(withoutTrailingException(answer.stream, answer.head, address), answer.signal);
    } catch (error) {
      throw isOurs(error) ? error : new ClickHouseUnreachable(address, problemOf(error), error);
    }
  }
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function bytesOf(chunks: Iterable<Buffer>): Readable {
  return Readable.from(chunks, { objectMode: false });
}

/** Table and column names are quoted, so that a name can never end the statement. */
function quoted(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}

function isOurs(error: unknown): boolean {
  return error instanceof LedgerlineError;
}
