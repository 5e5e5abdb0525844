import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller, forbidden } from '../caller.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const NewToken = z.strictObject({ name: z.string().min(1).max(100) });

/**
 * Tokens for the panel's own API. The ledger has each as a keyed hash: whoever finds one in a log
 * can ask whose it is, and nobody can read it there.
 */
export function tokenRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  http.post('/tokens', (request, reply) => {
    const caller = new Caller(request, store);
    const { name } = NewToken.parse(request.body);
    demand(panel, caller, 'tokens:write');
    const token = `pan_${randomBytes(24).toString('base64url')}`;
    const { id } = store.tokens.add(caller.tenant, { name });
    ledger.emit('api_token.issued', { target: { id, name }, data: { token } });
    return reply.code(201).send({ id, name, token });
  });

  http.delete<{ Params: { id: string } }>('/tokens/:id', (request, reply) => {
    const caller = new Caller(request, store);
    const token = store.tokens.get(caller.tenant, request.params.id);
    const attempt = { target: { id: token.id, name: token.name } };
    const refusal = caller.refusal('tokens:write');
    if (refusal !== undefined) {
      ledger.emit('api_token.revoked', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    store.tokens.remove(token);
    ledger.emit('api_token.revoked', attempt);
    return reply.code(204).send();
  });
}
