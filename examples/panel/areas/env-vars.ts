import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { changesBetween } from 'ledgerline';
import { Caller, forbidden, parent } from '../caller.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const Value = z.strictObject({ value: z.string().max(4096) });
interface OneVariable {
  Params: { id: string; key: string };
}

export function envVarRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  const one = (caller: Caller, { id, key }: OneVariable['Params']) => {
    const app = store.apps.get(caller.tenant, id);
    const varId = `${app.id}.${key}`;
    return { app, varId, existing: store.envVars.find(caller.tenant, varId) };
  };

  http.put<OneVariable>('/apps/:id/env/:key', (request, reply) => {
    const caller = new Caller(request, store);
    const { app, varId, existing } = one(caller, request.params);
    const { key } = request.params;
    const { value } = Value.parse(request.body);
    // That a secret changed belongs into the ledger, the secret does not: secrets.ts.
    const changes = changesBetween({ [key]: existing?.value }, { [key]: value });

    if (existing === undefined) {
      demand(panel, caller, 'apps:write');
      store.envVars.put({ id: varId, tenant: caller.tenant, key, value });
      ledger.emit('app.env_var.created', {
        related: [parent('app', app)],
        target: { id: varId, name: key },
        data: { key },
        changes,
      });
      return reply.code(201).send({ id: varId, key });
    }

    const attempt = {
      related: [parent('app', app)],
      target: { id: existing.id, name: key },
      data: { key },
    };
    const refusal = caller.refusal('apps:write');
    if (refusal !== undefined) {
      ledger.emit('app.env_var.updated', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    store.envVars.put({ ...existing, value });
    ledger.emit('app.env_var.updated', { ...attempt, changes });
    return { id: existing.id, key };
  });

  http.get<OneVariable>('/apps/:id/env/:key', (request, reply) => {
    const caller = new Caller(request, store);
    const { app, existing } = one(caller, request.params);
    if (existing === undefined) return reply.code(404).send({ code: 'NOT_FOUND' });
    const { id, key, value } = existing;
    const attempt = {
      related: [parent('app', app)],
      target: { id, name: key },
      data: { key },
    };
    const refusal = caller.refusal('secrets:read');
    if (refusal !== undefined) {
      // A refused read passes every level: somebody wanted to see a secret.
      ledger.emit('app.env_var.revealed', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    ledger.emit('app.env_var.revealed', attempt);
    return { id, key, value };
  });
}
