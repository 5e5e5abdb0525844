import { randomBytes } from 'node:crypto';

/** Where a suite sends its requests: the local engine, or a real server. */
export interface ClickHouseTarget {
  /** Without credentials and without a path. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

export interface Request {
  /** In the URL when there is a body, else as the body. */
  readonly query?: string;
  readonly body?: string | Uint8Array;
  readonly encoding?: 'gzip' | 'br';
  readonly method?: 'GET' | 'POST';
  readonly path?: string;
  readonly database?: string;
  /** Settings, and parameters of the protocol. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Bound parameters in their escaped text form: see `escaped`. */
  readonly params?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** The engine's exception code; undefined when the request succeeded. */
  readonly code: number | undefined;
  readonly summary: Readonly<Record<string, string>>;
}

const DEADLINE_MS = 60_000;

/** Sends a request and leaves the answer's body to the caller. */
export function open(target: ClickHouseTarget, request: Request): Promise<Response> {
  const url = new URL(request.path ?? '/', target.url);
  const inUrl = request.body !== undefined || request.method === 'GET';
  if (request.query !== undefined && inUrl) url.searchParams.set('query', request.query);
  if (request.database !== undefined) url.searchParams.set('database', request.database);
  for (const [name, value] of Object.entries(request.settings ?? {})) {
    url.searchParams.set(name, String(value));
  }
  for (const [name, value] of Object.entries(request.params ?? {})) {
    url.searchParams.set(`param_${name}`, value);
  }
  const method = request.method ?? 'POST';
  return fetch(url, {
    method,
    headers: {
      'X-ClickHouse-User': target.user,
      'X-ClickHouse-Key': target.password,
      ...(request.encoding && { 'Content-Encoding': request.encoding }),
      ...request.headers,
    },
    ...(method === 'POST' && { body: request.body ?? request.query ?? '' }),
    signal: request.signal ?? AbortSignal.timeout(DEADLINE_MS),
  });
}

export async function ask(target: ClickHouseTarget, request: Request | string): Promise<Answer> {
  const response = await open(target, typeof request === 'string' ? { query: request } : request);
  const code = response.headers.get('x-clickhouse-exception-code');
  return {
    status: response.status,
    text: await response.text(),
    headers: response.headers,
    code: code === null ? undefined : Number(code),
    summary: JSON.parse(response.headers.get('x-clickhouse-summary') ?? '{}') as Answer['summary'],
  };
}

/** Like `ask`, for requests that must succeed: the answer's text without its last line end. */
export async function must(target: ClickHouseTarget, request: Request | string): Promise<string> {
  const answer = await ask(target, request);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.text.replace(/\n$/, '');
}

/** The text form of a String parameter: TabSeparated escaping. */
export function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('\t', '\\t')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\0', '\\0');
}

export function randomName(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`;
}
