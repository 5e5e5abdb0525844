import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller, forbidden, parent } from '../caller.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const NewApp = z.strictObject({ name: z.string(), serverId: z.string() });
/** What the build machine reports. */
const Deployment = z.strictObject({
  revision: z.string().min(1),
  command: z.string(),
  exitCode: z.int().min(0).max(255),
  durationMs: z.number().min(0),
  output: z.string().max(10_000),
});

export function appRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  http.post('/apps', (request, reply) => {
    const caller = new Caller(request, store);
    const fields = NewApp.parse(request.body);
    const server = store.servers.get(caller.tenant, fields.serverId);
    demand(panel, caller, 'apps:write');
    const app = store.apps.add(caller.tenant, fields);
    ledger.emit('app.created', {
      ...caller.says(parent('server', server)),
      target: { id: app.id, name: app.name },
    });
    return reply.code(201).send(app);
  });

  http.post<{ Params: { id: string } }>('/apps/:id/deployments', (request, reply) => {
    const caller = new Caller(request, store);
    const app = store.apps.get(caller.tenant, request.params.id);
    const { revision, durationMs, ...run } = Deployment.parse(request.body);
    const id = `dep_${randomUUID()}`;
    const attempt = { ...caller.says(parent('app', app)), target: { id, name: revision } };
    const refusal = caller.refusal('apps:write');
    if (refusal !== undefined) {
      ledger.emit('deployment.started', { ...attempt, data: { revision }, ...refusal });
      throw forbidden(refusal);
    }
    ledger.emit('deployment.started', { ...attempt, data: { revision } });
    const failed = run.exitCode !== 0;
    ledger.emit('deployment.finished', {
      ...attempt,
      data: { revision, durationMs },
      execution: { ...run, durationMs },
      // An event with an error is a failure unless it says otherwise.
      error: failed ? { code: `EXIT_${run.exitCode}`, message: 'The build failed.' } : undefined,
    });
    return reply.code(201).send({ id, revision, state: failed ? 'failed' : 'live' });
  });
}
