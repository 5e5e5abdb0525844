import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller, parent } from '../caller.ts';
import { httpError } from '../http-error.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const NewDomain = z.strictObject({ name: z.string().regex(/^[a-z0-9.-]+\.[a-z]+$/) });
/** What a resolver found at `_panel.<domain>`. */
const Verification = z.strictObject({ txtRecord: z.string().optional() });

export function domainRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  http.post<{ Params: { id: string } }>('/apps/:id/domains', (request, reply) => {
    const caller = new Caller(request, store);
    const app = store.apps.get(caller.tenant, request.params.id);
    const { name } = NewDomain.parse(request.body);
    demand(panel, caller, 'apps:write');
    const domain = store.domains.add(caller.tenant, { appId: app.id, name, verified: false });
    ledger.emit('domain.added', {
      related: [parent('app', app)],
      target: { id: domain.id, name },
    });
    return reply.code(201).send(domain);
  });

  http.post<{ Params: { id: string } }>('/domains/:id/verifications', (request) => {
    const caller = new Caller(request, store);
    const domain = store.domains.get(caller.tenant, request.params.id);
    const app = store.apps.get(caller.tenant, domain.appId);
    const { txtRecord } = Verification.parse(request.body);
    const attempt = {
      related: [parent('app', app)],
      target: { id: domain.id, name: domain.name },
    };
    if (txtRecord !== domain.id) {
      const error = {
        code: 'TXT_RECORD_MISSING',
        message: 'The TXT record is not the one asked for.',
      };
      ledger.emit('domain.verified', { ...attempt, error });
      throw httpError(422, error.code, error.message);
    }
    ledger.emit('domain.verified', {
      ...attempt,
      changes: [{ op: 'replace', path: '/verified', old: domain.verified, new: true }],
    });
    return store.domains.put({ ...domain, verified: true });
  });
}
