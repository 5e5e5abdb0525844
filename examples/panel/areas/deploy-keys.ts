import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller, forbidden, parent } from '../caller.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const NewKey = z.strictObject({ title: z.string(), publicKey: z.string().startsWith('ssh-') });

/**
 * Who holds a deploy key can read the code. No key without its record: `record` resolves when Kafka
 * has the event on all in-sync replicas, and when it does not, nothing happens.
 */
export function deployKeyRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  http.post<{ Params: { id: string } }>('/apps/:id/deploy-keys', async (request, reply) => {
    const caller = new Caller(request, store);
    const app = store.apps.get(caller.tenant, request.params.id);
    const { title, publicKey } = NewKey.parse(request.body);
    demand(panel, caller, 'keys:write');
    const digest = createHash('sha256').update(publicKey).digest();
    const key = {
      id: `key_${digest.toString('hex').slice(0, 16)}`,
      tenant: caller.tenant,
      appId: app.id,
      title,
      // As ssh-keygen -l prints it.
      fingerprint: `SHA256:${digest.toString('base64').replace(/=+$/, '')}`,
    };
    const receipt = await ledger.record('app.deploy_key.added', {
      related: [parent('app', app)],
      target: { id: key.id, name: title },
      data: { fingerprint: key.fingerprint },
    });
    return reply.code(201).send({ ...store.deployKeys.put(key), receipt });
  });

  http.delete<{ Params: { id: string } }>('/deploy-keys/:id', async (request, reply) => {
    const caller = new Caller(request, store);
    const key = store.deployKeys.get(caller.tenant, request.params.id);
    const app = store.apps.get(caller.tenant, key.appId);
    const attempt = {
      related: [parent('app', app)],
      target: { id: key.id, name: key.title },
      data: { fingerprint: key.fingerprint },
    };
    const refusal = caller.refusal('keys:write');
    if (refusal !== undefined) {
      ledger.emit('app.deploy_key.removed', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    await ledger.record('app.deploy_key.removed', attempt);
    store.deployKeys.remove(key);
    return reply.code(204).send();
  });
}
