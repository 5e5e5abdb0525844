import { LedgerlineError } from '../../schemas/index.ts';
import type { AnyInput } from '../stamp.ts';

type Params = Readonly<Record<string, string>>;

/** How a request becomes an event. What is absent is left to the event's type. */
export interface RouteAudit<T extends string, R> {
  readonly type: T;
  /** What it was done to. `params` are the route's, as the path has them, decoded. */
  readonly target?: ((request: R, params: Params) => AnyInput['target']) | undefined;
  readonly data?: ((request: R, params: Params) => object | undefined) | undefined;
  readonly reason?: ((request: R, params: Params) => string | undefined) | undefined;
}

type Said<T extends string, R> = T | RouteAudit<T, R>;

/**
 * Which requests are events: all of them, or those of a map from `METHOD /path` to a type, the
 * first that fits. `:name` stands for one segment, a last `*` for the rest, `* /path` for any
 * method, `GET *` for any path. A HEAD is a GET where nothing is said of HEAD.
 */
export type AuditedRoutes<T extends string, R> = Said<T, R> | Readonly<Record<string, Said<T, R>>>;

export interface MatchedRoute<R> {
  readonly audit: RouteAudit<string, R>;
  readonly pattern: string;
  readonly params: Params;
}

interface Entry<R> {
  readonly method: string;
  readonly pattern: string;
  readonly segments: readonly string[];
  readonly audit: RouteAudit<string, R>;
}

/** Finds a request's event by its method, its path, and the pattern of the route that served it. */
export type FindRoute<R> = (
  method: string,
  path: string,
  route: string | undefined,
) => MatchedRoute<R> | undefined;

const KEY = /^([A-Z]+|\*) (\*|\/\S*)$/u;

/** Reads the map once. Throws `CONFIG_INVALID` for a key that is not `METHOD /path`. */
export function routeFinder<T extends string, R>(
  routes: AuditedRoutes<T, R> | undefined,
): FindRoute<R> {
  if (routes === undefined) return () => undefined;
  const entries: Entry<R>[] = isOne(routes)
    ? [entry('* *', routes)]
    : Object.entries(routes).map(([key, said]) => entry(key, said));
  const find = (
    method: string,
    path: string,
    route: string | undefined,
  ): MatchedRoute<R> | undefined => {
    const segments = segmentsOf(path);
    for (const { method: wanted, pattern, segments: pieces, audit } of entries) {
      if (wanted !== '*' && wanted !== method) continue;
      const params = match(pieces, segments);
      if (params !== undefined) return { audit, pattern, params };
      // Where the framework says which route it served, that is the truth: paths can be disguised.
      if (route === pattern) return { audit, pattern, params: {} };
    }
    return undefined;
  };
  return (method, path, route) =>
    find(method, path, route) ?? (method === 'HEAD' ? find('GET', path, route) : undefined);
}

const isOne = <T extends string, R>(routes: AuditedRoutes<T, R>): routes is Said<T, R> =>
  typeof routes === 'string' || 'type' in routes;

function entry<T extends string, R>(key: string, said: Said<T, R>): Entry<R> {
  const [, method = '', pattern = ''] = KEY.exec(key) ?? [];
  const audit = typeof said === 'string' ? { type: said } : said;
  if (method === '' || typeof audit?.type !== 'string') {
    throw new LedgerlineError('CONFIG_INVALID', 'audit: a route is not "METHOD /path" to a type.', {
      hint: 'For example { "POST /apps/:id/deploys": "deployment.started" }.',
    });
  }
  return { method, pattern, segments: pattern === '*' ? ['*'] : segmentsOf(pattern), audit };
}

/** Empty segments do not count, as in most routers: `/apps/` is `/apps`. */
const segmentsOf = (path: string): string[] => path.split('/').filter((piece) => piece !== '');

/**
 * More lenient than routers are, in case and encoding: whoever writes `/APPS/7` reaches Express's
 * `/apps/:id`, and must not thereby escape its audit.
 */
function match(pieces: readonly string[], segments: readonly string[]): Params | undefined {
  const params: Record<string, string> = {};
  for (const [index, piece] of pieces.entries()) {
    if (piece === '*' && index === pieces.length - 1) return params;
    const segment = segments[index];
    if (segment === undefined) return undefined;
    const text = decoded(segment);
    if (piece.startsWith(':')) params[piece.slice(1)] = text;
    else if (piece.toLowerCase() !== text.toLowerCase()) return undefined;
  }
  return segments.length === pieces.length ? params : undefined;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
