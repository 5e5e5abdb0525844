/**
 * The service of the users bench: a gateway's tools over HTTP, in memory or, where BENCH_DATABASE_URL
 * says so, in PostgreSQL. It does what services do
 * with a request: logs it, checks whose it is, parses and validates a body, reads or writes, answers
 * JSON. With `--spool DIR` it audits as well, as AUDIT_TRAIL_* and LEDGERLINE_KAFKA_* say; without,
 * there is no trace of a ledger in it. `--unlogged` leaves the request log out. SIGTERM ends it.
 *
 * The first request of a visit is answered when all `--users` are connected: Node accepts one connection
 * in each turn of its event loop, and under load, when turns are long, the last would have to wait for
 * minutes.
 *
 * It says two lines of JSON: where it listens, and at its end a {@link ServiceReport}.
 */
import { parseArgs } from 'node:util';
import fastify, { type FastifyRequest } from 'fastify';
import { pino } from 'pino';
import {
  authorization,
  changesBetween,
  createLedger,
  defineCatalog,
  gateway,
  optionsFromEnv,
  type LedgerStats,
} from '../../producers/index.ts';
import { auditFastify } from '../../producers/http/fastify.ts';
import { userOf } from './session.ts';
import { toolsInPostgres } from './tools-in-postgres.ts';
import { Invocation, ToolFields, ToolsInMemory, type Tool } from './tools.ts';

/** How often something was done, by category and outcome. */
export type Actions = Record<string, Record<string, number>>;

export interface ServiceReport {
  /** Counted by the service itself, each before it says so to the ledger. */
  readonly performed: Actions;
  /** Accepted in all. */
  readonly connections: number;
  readonly peakRssMb: number;
  /** Undefined without a ledger. */
  readonly audit:
    | {
        /** When the last request was answered, before the close. */
        readonly pendingBeforeClose: number;
        readonly left: number;
        readonly spooled: number;
        readonly stats: LedgerStats;
      }
    | undefined;
}

const CLOSE_MS = 5_000;
/** All users come at once. */
const BACKLOG = 4_096;

const {
  spool,
  unlogged,
  users: expected,
} = parseArgs({
  options: {
    spool: { type: 'string' },
    unlogged: { type: 'boolean', default: false },
    users: { type: 'string', default: '0' },
  },
}).values;
const ledger =
  spool === undefined
    ? undefined
    : createLedger({
        service: 'gateway',
        catalog: defineCatalog(gateway, authorization),
        spool: { directory: spool },
        ...optionsFromEnv(process.env),
      });

const performed: Actions = {};
function did(category: 'gateway' | 'authorization', outcome: string): void {
  const outcomes = (performed[category] ??= {});
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

class HttpError extends Error {
  readonly statusCode: number;
  readonly code: string;
  constructor(statusCode: number, code: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

const http = fastify({
  forceCloseConnections: true,
  // Line by line, as Fastify logs on its own: behind a full event loop an asynchronous log piles up in memory.
  logger: !unlogged && { stream: pino.destination({ dest: '/dev/null', sync: true }) },
});
const database = process.env['BENCH_DATABASE_URL'];
const tools = database === undefined ? new ToolsInMemory() : toolsInPostgres(database);
let connections = 0;
let open = 0;
let gathering = true;
const early: (() => void)[] = [];
http.server.on('connection', (socket) => {
  connections += 1;
  open += 1;
  socket.once('close', () => {
    open -= 1;
    if (open === 0) gathering = true;
  });
});
http.addHook('onRequest', (_request, _reply, done) => {
  if (gathering && open >= Number(expected)) {
    gathering = false;
    for (const goOn of early.splice(0)) goOn();
  }
  if (gathering) early.push(done);
  else done();
});

const users = new WeakMap<FastifyRequest, string>();
http.addHook('onRequest', (request, _reply, done) => {
  const user = userOf(request.headers.authorization?.slice('Bearer '.length) ?? '');
  if (user === undefined) return done(new HttpError(401, 'NOBODY', 'Say who you are.'));
  users.set(request, user);
  done();
});
if (ledger !== undefined) {
  const identify = (request: FastifyRequest) => ({
    tenant: 'acme',
    actor: { type: 'user', id: users.get(request) ?? '' },
  });
  http.register(auditFastify(ledger, { identify }));
}

interface OneTool {
  Params: { id: string };
}

async function toolOf({ params: { id } }: FastifyRequest<OneTool>): Promise<Tool> {
  const tool = await tools.find(id);
  if (tool === undefined) throw new HttpError(404, 'NOT_FOUND', 'There is no such tool.');
  return tool;
}

http.get<{ Querystring: { page?: string } }>('/tools', async ({ query }) => {
  const page = await tools.page(Number(query.page ?? 0));
  did('gateway', 'success');
  ledger?.emit('gateway.tool.listed', { data: { count: page.length } });
  return page;
});

http.get<OneTool>('/tools/:id', async (request) => {
  const tool = await toolOf(request);
  did('gateway', 'success');
  ledger?.emit('gateway.tool.read', { target: { id: tool.id, name: tool.name } });
  return tool;
});

http.put<OneTool>('/tools/:id', async (request) => {
  const before = await toolOf(request);
  const after = await tools.replace(before, ToolFields.parse(request.body));
  did('gateway', 'success');
  ledger?.emit('gateway.tool.updated', {
    target: { id: after.id, name: after.name },
    changes: changesBetween(before, after),
  });
  return after;
});

http.post<OneTool>('/tools/:id/invocations', async (request) => {
  const tool = await toolOf(request);
  const { input } = Invocation.parse(request.body);
  const target = { id: tool.id, name: tool.name };
  const data = { server: tool.server, inputBytes: Number(request.headers['content-length']) };
  if (input['query'] === 'fail') {
    did('gateway', 'failure');
    const error = { code: 'UPSTREAM_CONFLICT', message: 'The server has another state.' };
    ledger?.emit('gateway.tool.invoked', { target, data, outcome: 'failure', error });
    throw new HttpError(409, error.code, error.message);
  }
  did('gateway', 'success');
  ledger?.emit('gateway.tool.invoked', { target, data });
  return { output: { echo: input, by: tool.id } };
});

http.delete<OneTool>('/tools/:id', async (request) => {
  const tool = await toolOf(request);
  did('authorization', 'denied');
  ledger?.emit('authorization.permission.denied', {
    target: { type: 'tool', id: tool.id, name: tool.name },
    data: { permission: 'tools:delete' },
  });
  throw new HttpError(403, 'FORBIDDEN', 'Only administrators delete tools.');
});

const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

async function stop(): Promise<void> {
  await http.close();
  await tools.close();
  const pendingBeforeClose = ledger?.stats().pending ?? 0;
  const closed = await ledger?.close({ timeoutMs: CLOSE_MS });
  const report: ServiceReport = {
    performed,
    connections,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
    audit: ledger && {
      pendingBeforeClose,
      left: closed?.left ?? 0,
      spooled: closed?.spooled ?? 0,
      stats: ledger.stats(),
    },
  };
  say(report);
}
process.once('SIGTERM', () => void stop());

const url = await http.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG });
say({ url });
