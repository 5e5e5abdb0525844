import type { IncomingHttpHeaders } from 'node:http';
import { EngineException, notImplemented } from './exceptions.ts';

/** What a request asks for, read from its URL and headers. */
export interface Asked {
  readonly query: string | undefined;
  readonly queryId: string | undefined;
  readonly database: string | undefined;
  readonly format: string;
  /** Bound parameters in ClickHouse's own escaped text form. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly settings: ReadonlyMap<string, string>;
  /** The answer may start only when the query has succeeded. */
  readonly waitEnd: boolean;
  readonly user: string;
  readonly password: string;
}

const DEFAULT_FORMAT = 'TabSeparated';
const DEFAULT_USER = 'default';
const NAME = /^[A-Za-z_]\w*$/;
// Parameters of the protocol that change nothing here.
const HARMLESS = new Set(['buffer_size', 'stacktrace', 'quota_key', 'client_protocol_version']);
const UNSUPPORTED = new Set([
  'session_id',
  'session_timeout',
  'session_check',
  'role',
  'close_session',
]);

/**
 * Every URL parameter that is not of the protocol is a setting, as with a server.
 *
 * @throws EngineException for what the endpoint does not do, and for contradicting credentials
 */
export function readAsked(url: URL, headers: IncomingHttpHeaders): Asked {
  const own = new Map<string, string>();
  const parameters = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (OWN.has(name)) own.set(name, value);
    else if (UNSUPPORTED.has(name)) throw notImplemented(`the parameter ${name}`);
    else if (name.startsWith('param_')) parameters.set(name.slice('param_'.length), value);
    else if (name !== '' && !HARMLESS.has(name)) settings.set(settingName(name), value);
  }
  for (const name of ['compress', 'decompress']) {
    if (isOn(own.get(name))) throw notImplemented(`${name}=1 (the native block compression)`);
  }
  if (headers['content-type']?.startsWith('multipart/form-data')) {
    throw notImplemented('multipart/form-data bodies (external tables)');
  }
  for (const name of parameters.keys()) {
    if (!NAME.test(name)) throw badName('query parameter');
  }
  return {
    query: own.get('query'),
    queryId: own.get('query_id') || undefined,
    database: own.get('database') || header(headers, 'x-clickhouse-database'),
    format: own.get('default_format') || header(headers, 'x-clickhouse-format') || DEFAULT_FORMAT,
    parameters,
    settings,
    waitEnd: isOn(own.get('wait_end_of_query')),
    ...credentials(own, headers),
  };
}

const OWN = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'wait_end_of_query',
  'user',
  'password',
  'compress',
  'decompress',
]);

function isOn(value: string | undefined): boolean {
  return value === '1' || value === 'true';
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) || undefined;
}

function settingName(name: string): string {
  if (!NAME.test(name)) throw badName('setting');
  return name;
}

function badName(what: string): EngineException {
  return new EngineException(
    115,
    'UNKNOWN_SETTING',
    `The name of a ${what} in the URL is not an identifier.`,
  );
}

/** One of three ways: X-ClickHouse-User and -Key, HTTP Basic, or parameters of the URL. */
function credentials(
  own: ReadonlyMap<string, string>,
  headers: IncomingHttpHeaders,
): { user: string; password: string } {
  const basic = /^Basic (.*)$/i.exec(headers.authorization ?? '')?.[1];
  if (headers.authorization !== undefined && basic === undefined) {
    throw notImplemented('this Authorization scheme');
  }
  const user = header(headers, 'x-clickhouse-user');
  const key = header(headers, 'x-clickhouse-key');
  const byHeaders = user !== undefined || key !== undefined;
  const byUrl = own.has('user') || own.has('password');
  if (Number(byHeaders) + Number(basic !== undefined) + Number(byUrl) > 1) {
    throw new EngineException(
      516,
      'AUTHENTICATION_FAILED',
      'Invalid authentication: it is not allowed to use several authentication methods (X-ClickHouse headers, Authorization, URL parameters) simultaneously.',
    );
  }
  if (basic !== undefined) {
    const text = Buffer.from(basic, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    return colon < 0
      ? { user: text || DEFAULT_USER, password: '' }
      : { user: text.slice(0, colon) || DEFAULT_USER, password: text.slice(colon + 1) };
  }
  if (byHeaders) return { user: user ?? DEFAULT_USER, password: key ?? '' };
  return { user: own.get('user') || DEFAULT_USER, password: own.get('password') ?? '' };
}
