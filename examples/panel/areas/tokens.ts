import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller, forbidden } from '../caller.ts';
import { demand } from '../demand.ts';
import { notFound } from '../http-error.ts';
import type { Panel } from '../panel.ts';

const NewToken = z.strictObject({ name: z.string().min(1).max(100) });

/**
 * Tokens for the panel's own API. The ledger has each as a keyed hash: whoever finds one in a log
 * can ask whose it is, and nobody can read it there.
 */
export function tokenRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store, tokens } = panel;
  http.post('/tokens', async (request, reply) => {
    const caller = new Caller(request, store);
    const { name } = NewToken.parse(request.body);
    demand(panel, caller, 'tokens:write');
    const token = `pan_${randomBytes(24).toString('base64url')}`;
    const { id } = await tokens.issue(caller.tenant, name, token);
    return reply.code(201).send({ id, name, token });
  });

  http.delete<{ Params: { id: string } }>('/tokens/:id', async (request, reply) => {
    const caller = new Caller(request, store);
    const token = await tokens.find(caller.tenant, request.params.id);
    if (token === undefined) throw notFound(request.params.id);
    const refusal = caller.refusal('tokens:write');
    if (refusal !== undefined) {
      // Nothing changes, so that there is no transaction for it to be in.
      ledger.emit('api_token.revoked', { target: { id: token.id, name: token.name }, ...refusal });
      throw forbidden(refusal);
    }
    if (!(await tokens.revoke(token))) throw notFound(token.id);
    return reply.code(204).send();
  });
}
