import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { buildOf } from '../build.ts';
import { Caller, forbidden, parent } from '../caller.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const NewApp = z.strictObject({ name: z.string(), serverId: z.string() });
const Deployment = z.strictObject({ revision: z.string().min(1).max(100) });

export function appRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  http.post('/apps', (request, reply) => {
    const caller = new Caller(request, store);
    const fields = NewApp.parse(request.body);
    const server = store.servers.get(caller.tenant, fields.serverId);
    demand(panel, caller, 'apps:write');
    const app = store.apps.add(caller.tenant, fields);
    ledger.emit('app.created', {
      related: [parent('server', server)],
      target: { id: app.id, name: app.name },
    });
    return reply.code(201).send(app);
  });

  http.post<{ Params: { id: string } }>('/apps/:id/deployments', async (request, reply) => {
    const caller = new Caller(request, store);
    const app = store.apps.get(caller.tenant, request.params.id);
    const { revision } = Deployment.parse(request.body);
    const id = `dep_${randomUUID()}`;
    const attempt = { related: [parent('app', app)], target: { id, name: revision } };
    const refusal = caller.refusal('apps:write');
    if (refusal !== undefined) {
      ledger.emit('deployment.started', { ...attempt, data: { revision }, ...refusal });
      throw forbidden(refusal);
    }
    ledger.emit('deployment.started', { ...attempt, data: { revision } });
    const variables = store.envVars
      .all(caller.tenant)
      .filter((one) => one.id.startsWith(`${app.id}.`));
    const { command, args, options } = buildOf(revision, variables);
    // Runs it, and records how it went: command, output, exit code, duration; without the secrets.
    // Whatever is said meanwhile, here or further down, bears the deployment's id.
    const run = await ledger.run({ attributes: { 'deployment.id': id } }, () =>
      ledger.execute(
        'deployment.finished',
        ({ durationMs }) => ({ ...attempt, data: { revision, durationMs } }),
        command,
        args,
        options,
      ),
    );
    return reply.code(201).send({ id, revision, state: run.ok ? 'live' : 'failed' });
  });
}
