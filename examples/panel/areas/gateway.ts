import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Caller, forbidden } from '../caller.ts';
import { httpError } from '../http-error.ts';
import { demand } from '../demand.ts';
import type { Panel } from '../panel.ts';
import type { Tool } from '../store.ts';

const NewTool = z.strictObject({
  name: z.string(),
  server: z.string(),
  restricted: z.boolean(),
  maxInputBytes: z.int().min(1),
});
const Invocation = z.strictObject({ input: z.record(z.string(), z.unknown()) });
interface OneTool {
  Params: { id: string };
}

/**
 * Nearly all of a gateway's traffic is reads. They are emitted like everything else: whether they
 * are kept is the policy's decision (AUDIT_TRAIL_LEVEL), not this code's.
 */
export function gatewayRoutes(http: FastifyInstance, panel: Panel): void {
  const { ledger, store } = panel;
  // An event as well: service.ts audits this route.
  http.get('/health', () => ({ status: 'ok' }));

  http.get('/tools', (request) => {
    const caller = new Caller(request, store);
    const tools = store.tools.all(caller.tenant);
    ledger.emit('gateway.tool.listed', { data: { count: tools.length } });
    return tools;
  });

  http.get<OneTool>('/tools/:id', (request) => {
    const caller = new Caller(request, store);
    const tool = store.tools.get(caller.tenant, request.params.id);
    ledger.emit('gateway.tool.read', {
      target: { id: tool.id, name: tool.name },
    });
    return tool;
  });

  http.post('/tools', (request, reply) => {
    const caller = new Caller(request, store);
    const fields = NewTool.parse(request.body);
    demand(panel, caller, 'tools:write');
    const tool = store.tools.add(caller.tenant, fields);
    ledger.emit('gateway.tool.registered', {
      target: { id: tool.id, name: tool.name },
    });
    return reply.code(201).send(tool);
  });

  http.post<OneTool>('/tools/:id/invocations', (request) => {
    const startedAt = performance.now();
    const caller = new Caller(request, store);
    const tool = store.tools.get(caller.tenant, request.params.id);
    const { input } = Invocation.parse(request.body);
    const inputBytes = Buffer.byteLength(JSON.stringify(input));
    const attempt = {
      related: [{ role: 'server', type: 'gateway_server', id: tool.server }],
      target: { id: tool.id, name: tool.name },
    };
    const call = { server: tool.server, inputBytes };

    const refusal = caller.refusal(tool.restricted ? 'tools:invoke-restricted' : 'tools:invoke');
    if (refusal !== undefined) {
      ledger.emit('gateway.tool.invoked', { ...attempt, data: call, ...refusal });
      throw forbidden(refusal);
    }
    if (inputBytes > tool.maxInputBytes) {
      const error = { code: 'INPUT_TOO_LARGE', message: `Over ${tool.maxInputBytes} bytes.` };
      ledger.emit('gateway.tool.invoked', { ...attempt, data: call, error });
      throw httpError(413, error.code, error.message);
    }
    const output = { echo: input };
    ledger.emit('gateway.tool.invoked', {
      ...attempt,
      data: {
        ...call,
        outputBytes: Buffer.byteLength(JSON.stringify(output)),
        durationMs: performance.now() - startedAt,
      },
    });
    return { output };
  });

  // Recorded when it has answered: removed, refused (what throws has the status 403), or failed.
  const remove = ledger.audited(
    'gateway.tool.deleted',
    (caller: Caller, tool: Tool) => {
      const refusal = caller.refusal('tools:write');
      if (refusal !== undefined) throw forbidden(refusal);
      store.tools.remove(tool);
    },
    ({ args: [, { id, name }] }) => ({ target: { id, name } }),
  );

  http.delete<OneTool>('/tools/:id', (request, reply) => {
    const caller = new Caller(request, store);
    remove(caller, store.tools.get(caller.tenant, request.params.id));
    return reply.code(204).send();
  });
}
