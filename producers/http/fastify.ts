import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Catalog, EventTypeName } from '../../schemas/index.ts';
import type { Ledger } from '../ledger.ts';
import type { HttpAuditOptions } from './options.ts';
import { RequestAudit } from './request-audit.ts';

/** What the plugin looks at in a Fastify request, 4 or 5. */
export interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly originalUrl: string;
  readonly routeOptions: { readonly url?: string | undefined };
}

/** What the plugin looks at in a reply. */
interface FastifyReply {
  readonly raw: ServerResponse;
  header(name: string, value: string): unknown;
}

type OnRequest<R> = (request: R, reply: FastifyReply, done: () => void) => void;

/** A plugin: `app.register(auditFastify(…))`. */
export type FastifyPlugin<R> = (
  instance: { addHook(name: 'onRequest', hook: OnRequest<R>): unknown },
  options: unknown,
  done: () => void,
) => void;

/**
 * A Fastify plugin that gives every request its context, and makes it an event where `audit` says
 * so. It holds for the instance that it is registered with and all below; its `onRequest` hook runs
 * in the order of registration.
 *
 * Throws `CONFIG_INVALID` for options that are none.
 *
 * @example
 * await app.register(auditFastify(ledger, {
 *   trustedProxies: ['10.0.0.0/8'],
 *   identify: async (request: FastifyRequest) => ({ actor: await sessions.actorOf(request) }),
 * }));
 */
export function auditFastify<C extends Catalog, R extends FastifyRequest = FastifyRequest>(
  ledger: Ledger<C>,
  options: HttpAuditOptions<EventTypeName<C>, R> = {},
): FastifyPlugin<R> {
  const audit = new RequestAudit<R, FastifyReply>(
    ledger,
    {
      url: ({ originalUrl }) => originalUrl,
      route: ({ routeOptions }) => routeOptions.url,
      // On the response itself it would make Node write the head's every field one by one.
      answer: (reply, name, value) => void reply.header(name, value),
    },
    options,
  );
  const plugin: FastifyPlugin<R> = (instance, _, done) => {
    instance.addHook('onRequest', (request, reply, next) =>
      audit.begin(request.raw, reply.raw, request, reply, next),
    );
    done();
  };
  // Fastify's own sign for a plugin whose hooks are not shut in with it.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'ledgerline',
  });
}
