import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller, forbidden, parent } from '../caller.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const NewRule = z.strictObject({
  port: z.int().min(1).max(65_535),
  source: z.string(),
  reason: z.string().min(1),
});

/** This service's own category, declared in catalog.ts. */
export function firewallRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  http.post<{ Params: { id: string } }>('/servers/:id/firewall-rules', (request, reply) => {
    const caller = new Caller(request, store);
    const server = store.servers.get(caller.tenant, request.params.id);
    const { reason, ...fields } = NewRule.parse(request.body);
    demand(panel, caller, 'servers:write');
    const rule = store.firewallRules.add(caller.tenant, { serverId: server.id, ...fields });
    ledger.emit('firewall.rule.opened', {
      related: [parent('server', server)],
      target: { id: rule.id },
      data: fields,
      // The catalog demands one: without it this does not compile.
      reason,
    });
    return reply.code(201).send(rule);
  });

  http.delete<{ Params: { id: string } }>('/firewall-rules/:id', (request, reply) => {
    const caller = new Caller(request, store);
    const rule = store.firewallRules.get(caller.tenant, request.params.id);
    const server = store.servers.get(caller.tenant, rule.serverId);
    const attempt = {
      related: [parent('server', server)],
      target: { id: rule.id },
      data: { port: rule.port, source: rule.source },
    };
    const refusal = caller.refusal('servers:write');
    if (refusal !== undefined) {
      ledger.emit('firewall.rule.closed', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    store.firewallRules.remove(rule);
    ledger.emit('firewall.rule.closed', attempt);
    return reply.code(204).send();
  });
}
