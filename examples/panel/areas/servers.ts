import type { FastifyInstance } from 'fastify';
import { changesBetween } from 'ledgerline';
import { z } from 'zod';
import { Caller, forbidden } from '../caller.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';

const NewServer = z.strictObject({ name: z.string(), region: z.string(), size: z.string() });
const Note = z.strictObject({ text: z.string().min(1).max(500) });
interface OneServer {
  Params: { id: string };
}

export function serverRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  http.post('/servers', (request, reply) => {
    const caller = new Caller(request, store);
    const fields = NewServer.parse(request.body);
    demand(panel, caller, 'servers:write');
    const server = store.servers.add(caller.tenant, fields);
    ledger.emit('server.created', {
      target: { id: server.id, name: server.name },
      data: { region: server.region, size: server.size },
    });
    return reply.code(201).send(server);
  });

  http.patch<OneServer>('/servers/:id', (request) => {
    const caller = new Caller(request, store);
    const server = store.servers.get(caller.tenant, request.params.id);
    const patch = NewServer.partial().parse(request.body);
    const attempt = { target: { id: server.id, name: server.name } };
    const refusal = caller.refusal('servers:write');
    if (refusal !== undefined) {
      ledger.emit('server.updated', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    const { name = server.name, region = server.region, size = server.size } = patch;
    const changed = { ...server, name, region, size };
    ledger.emit('server.updated', { ...attempt, changes: changesBetween(server, changed) });
    return store.servers.put(changed);
  });

  http.post<OneServer>('/servers/:id/reboots', (request, reply) => {
    const caller = new Caller(request, store);
    const server = store.servers.get(caller.tenant, request.params.id);
    const attempt = { target: { id: server.id, name: server.name } };
    const refusal = caller.refusal('servers:write');
    if (refusal !== undefined) {
      ledger.emit('server.rebooted', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    ledger.emit('server.rebooted', attempt);
    return reply.code(202).send({ id: server.id, state: 'rebooting' });
  });

  // The category accepts types that nobody declared: a line for people, and they filter all the same.
  http.post<OneServer>('/servers/:id/notes', (request, reply) => {
    const caller = new Caller(request, store);
    const server = store.servers.get(caller.tenant, request.params.id);
    const { text } = Note.parse(request.body);
    ledger.emit('server.note', {
      target: { type: 'server', id: server.id, name: server.name },
      message: text,
    });
    return reply.code(201).send({ text });
  });

  http.delete<OneServer>('/servers/:id', (request, reply) => {
    const caller = new Caller(request, store);
    const server = store.servers.get(caller.tenant, request.params.id);
    const attempt = { target: { id: server.id, name: server.name } };
    const refusal = caller.refusal('servers:delete');
    if (refusal !== undefined) {
      ledger.emit('server.deleted', { ...attempt, ...refusal });
      throw forbidden(refusal);
    }
    store.servers.remove(server);
    ledger.emit('server.deleted', attempt);
    return reply.code(204).send();
  });
}
