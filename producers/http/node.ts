import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Catalog, EventTypeName } from '../../schemas/index.ts';
import type { Ledger } from '../ledger.ts';
import type { HttpAuditOptions } from './options.ts';
import { answerPlainly, RequestAudit } from './request-audit.ts';

export { HTTP_DEFAULTS, type HttpAuditOptions } from './options.ts';
export type { AuditedRoutes, RouteAudit } from './route-map.ts';
export type { TrustedProxies } from './trusted-proxies.ts';
export type { ForwardedHeader } from './client-address.ts';

/**
 * A listener for `node:http` and `node:https` whose requests have their context, and are events
 * where `audit` says so.
 *
 * Throws `CONFIG_INVALID` for options that are none.
 *
 * @example
 * createServer(auditHttp(ledger, { identify, audit: { 'POST /apps/:id/deploys': 'app.restarted' } }, (request, response) => {
 *   response.end('ok');
 * }));
 */
export function auditHttp<C extends Catalog>(
  ledger: Ledger<C>,
  options: HttpAuditOptions<EventTypeName<C>, IncomingMessage>,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): RequestListener {
  const url = (request: IncomingMessage): string => request.url ?? '/';
  const framework = { url, route: () => undefined, answer: answerPlainly };
  const audit = new RequestAudit<IncomingMessage, ServerResponse>(ledger, framework, options);
  return (request, response) =>
    audit.begin(request, response, request, response, () => listener(request, response));
}
