import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Catalog, EventTypeName } from '../../schemas/index.ts';
import type { Ledger } from '../ledger.ts';
import type { HttpAuditOptions } from './options.ts';
import { answerPlainly, RequestAudit } from './request-audit.ts';

/** What the middleware looks at in an Express request, 4 or 5. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl?: string;
  readonly baseUrl?: string;
  readonly route?: { readonly path?: unknown };
}

/** Middleware: `app.use(auditExpress(…))`. */
export type ExpressMiddleware<R> = (request: R, response: ServerResponse, next: () => void) => void;

/**
 * Middleware for Express that gives every request its context, and makes it an event where `audit`
 * says so. Put it before the routes; before authentication too, with `amendContext({ actor })` in
 * it, when what authentication refuses is to be recorded.
 *
 * Throws `CONFIG_INVALID` for options that are none.
 *
 * @example
 * app.use(auditExpress(ledger, {
 *   trustedProxies: 1,
 *   identify: (request) => ({ tenant: request.get('x-tenant') }),
 *   audit: { 'DELETE /apps/:id': { type: 'app.deleted', target: (_, { id }) => ({ id }) } },
 * }));
 */
export function auditExpress<C extends Catalog, R extends ExpressRequest = ExpressRequest>(
  ledger: Ledger<C>,
  options: HttpAuditOptions<EventTypeName<C>, R> = {},
): ExpressMiddleware<R> {
  const route = ({ baseUrl, route: served }: R): string | undefined =>
    typeof served?.path === 'string' ? `${baseUrl ?? ''}${served.path}` : undefined;
  const url = ({ originalUrl, url: own }: R): string => originalUrl ?? own ?? '/';
  const framework = { url, route, answer: answerPlainly };
  const audit = new RequestAudit<R, ServerResponse>(ledger, framework, options);
  return (request, response, next) => audit.begin(request, response, request, response, next);
}
