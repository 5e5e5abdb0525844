import { AsyncResource } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { Agent, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { auditHttp } from '../../../producers/http/node.ts';
import { amendContext, currentContext, type LedgerlineError } from '../../../producers/index.ts';
import { openLedger, openServer } from './open-server.ts';

/** What a server answers to bytes that no client library would send. */
const rawly = (port: number, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString());
    });
  });

const ada = { type: 'user', id: 'u_1' };

const outside = new AsyncResource('outside');
/** Calls a function where no request's context is, as a socket's events are. */
const runOutside = <T>(fn: () => T): T => outside.runInAsyncScope(fn);

describe('R-REC-09: node:http', () => {
  test.each([
    'http://elsewhere/files/7',
    '/x/../files/7',
    '/x/%2e%2e/files/7',
    '//elsewhere/files/7',
    '/files/7#x',
    '/files\\7',
  ])('a target that a listener reads as /files/7 does not escape its audit: %s', async (target) => {
    const { ledger, eventually } = openLedger();
    const audit = { 'DELETE /files/7': 'shop.requested' } as const;
    const { port } = await openServer(
      auditHttp(ledger, { audit }, (request, response) => {
        response.end(new URL(request.url ?? '', 'http://here').pathname);
      }),
    );
    const answer = await rawly(port, `DELETE ${target} HTTP/1.1\r\nHost: here\r\n\r\n`);
    expect(answer).toContain('/files/7');
    expect(await eventually(1)).toMatchObject([{ type: 'shop.requested' }]);
  });

  test('a request’s events have its id, address, agent, trace, tenant and actor', async () => {
    const { ledger, eventually } = openLedger();
    const { ask } = await openServer(
      auditHttp(
        ledger,
        {
          trustedProxies: ['loopback'],
          identify: ({ headers }) => ({ tenant: String(headers['x-tenant']), actor: ada }),
          audit: 'shop.requested',
        },
        (_, response) => {
          ledger.emit('shop.noted', {});
          response.statusCode = 201;
          response.end('done');
        },
      ),
    );
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const answer = await ask('/cart?token=hunter2', {
      method: 'POST',
      headers: {
        'x-request-id': 'req-1',
        'x-tenant': 'acme',
        'x-forwarded-for': '203.0.113.9',
        'user-agent': 'curl/8',
        traceparent: `00-${traceId}-b7ad6b7169203331-01`,
      },
    });
    expect(answer).toMatchObject({ status: 201, body: 'done' });
    expect(answer.headers['x-request-id']).toBe('req-1');
    const common = {
      tenant: 'acme',
      actor: ada,
      sourceIp: '203.0.113.9',
      correlationId: 'req-1',
      traceId,
      outcome: 'success',
    };
    const events = await eventually(2);
    expect(events).toMatchObject([
      { type: 'shop.noted', ...common, attributes: { 'user_agent.original': 'curl/8' } },
      {
        type: 'shop.requested',
        ...common,
        attributes: {
          'user_agent.original': 'curl/8',
          'http.request.method': 'POST',
          'http.route': '*',
          'http.response.status_code': '201',
          'url.path': '/cart',
        },
      },
    ]);
    const took = Number(events[1]?.attributes?.['http.server.request.duration']);
    expect(took).toBeGreaterThan(0);
    expect(took).toBeLessThan(10_000);
    expect(JSON.stringify(events)).not.toContain('hunter2');
  });

  test('without identify the actor is anonymous; without a request id there is a new one', async () => {
    const { ledger, eventually } = openLedger();
    const { ask } = await openServer(
      auditHttp(ledger, { audit: 'shop.requested' }, (_, response) => response.end()),
    );
    const answer = await ask('/');
    const [event] = await eventually(1);
    expect(event).toMatchObject({
      tenant: 'default',
      actor: { type: 'anonymous', id: 'anonymous' },
      sourceIp: '127.0.0.1',
    });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(event?.correlationId).toBe(answer.headers['x-request-id']);
  });

  test.each(['x'.repeat(129), '<script>', 'a b', 'ÿ', '', '00-bad;drop'])(
    'the request id %j is not taken over',
    async (id) => {
      const { ledger } = openLedger();
      const { ask } = await openServer(auditHttp(ledger, {}, (_, response) => response.end()));
      const answer = await ask('/', { headers: { 'x-request-id': id } });
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test('nor is any where strangers choose none', async () => {
    const { ledger } = openLedger();
    const listener: RequestListener = (_, response) => response.end();
    const { ask } = await openServer(auditHttp(ledger, { acceptRequestId: false }, listener));
    const traceparent = `00-${'a'.repeat(32)}-b7ad6b7169203331-01`;
    const answer = await ask('/', { headers: { 'x-request-id': 'req-1', traceparent } });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('services that share nothing but a trace decide alike about its events', async () => {
    const options = { sampling: { rate: 0.5, of: 'all' } } as const;
    const services = await Promise.all(
      [openLedger(options), openLedger(options)].map(async ({ ledger, transport }) => {
        const listener = auditHttp(ledger, { audit: 'shop.requested' }, (_, response) => {
          ledger.emit('shop.noted', {});
          response.end();
        });
        return { ...(await openServer(listener)), ledger, transport };
      }),
    );
    const traces = Array.from({ length: 40 }, () => randomBytes(16).toString('hex'));
    for (const { ask } of services) {
      for (const traceId of traces) {
        const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
        const { headers } = await ask('/', { headers: { traceparent } });
        expect(headers['x-request-id']).toBe(traceId);
      }
    }
    const kept = await Promise.all(
      services.map(async ({ ledger, transport }) => {
        await vi.waitFor(() => expect(ledger.stats().emitted).toBe(2 * traces.length));
        await ledger.flush();
        return transport.events().map(({ type, correlationId }) => `${type} ${correlationId}`);
      }),
    );
    expect(kept[0]?.length).toBeGreaterThan(0);
    expect(kept[0]?.toSorted()).toEqual(kept[1]?.toSorted());
  });

  test('a broken traceparent is ignored, a hostile one too', async () => {
    const { ledger, eventually } = openLedger();
    const { ask } = await openServer(
      auditHttp(ledger, { audit: 'shop.requested' }, (_, response) => response.end()),
    );
    await ask('/', { headers: { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` } });
    await ask('/', { headers: { traceparent: 'x'.repeat(8000) } });
    expect((await eventually(2)).map(({ traceId }) => traceId)).toEqual([undefined, undefined]);
  });

  test('the context is there when the body comes, chunk by chunk, and on connections kept open', async () => {
    const { ledger } = openLedger();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const seen: (string | undefined)[] = [];
    const { ask } = await openServer(
      auditHttp(ledger, { identify: ({ url }) => ({ tenant: url }) }, (request, response) => {
        request.on('data', () => seen.push(currentContext()?.tenant));
        request.on('end', () => {
          seen.push(currentContext()?.tenant);
          response.end();
        });
      }),
    );
    for (const path of ['/one', '/two', '/three']) {
      await ask(path, { method: 'POST', body: 'x'.repeat(10), agent });
    }
    agent.destroy();
    expect(seen).toEqual(['/one', '/one', '/two', '/two', '/three', '/three']);
  });

  test('whoever hears a request or a response emit is in its context, with all that was emitted', async () => {
    const { ledger } = openLedger();
    const heard: [string, string | undefined, unknown[]][] = [];
    const { ask } = await openServer(
      auditHttp(ledger, { identify: ({ url }) => ({ tenant: url }) }, (request, response) => {
        const hear =
          (name: string) =>
          (...given: unknown[]): void =>
            void heard.push([name, currentContext()?.tenant, given]);
        response.once('finish', hear('finish')).on('close', hear('close'));
        request.on('said', hear('said'));
        // From where nothing of the request's context is.
        const unheard = runOutside(() => request.emit('unheard', 1));
        const said = runOutside(() => request.emit('said', 1, 'two', undefined));
        heard.push(['answers', currentContext()?.tenant, [unheard, said]]);
        response.end();
      }),
    );
    await ask('/one');
    await vi.waitFor(() => expect(heard.map(([name]) => name)).toContain('close'));
    expect(heard).toEqual([
      ['said', '/one', [1, 'two', undefined]],
      ['answers', '/one', [false, true]],
      ['finish', '/one', []],
      ['close', '/one', []],
    ]);
  });

  test('an error that nobody hears is thrown, as Node does', async () => {
    const { ledger } = openLedger();
    const fault = new Error('nobody hears me');
    let thrown: unknown;
    const { ask } = await openServer(
      auditHttp(ledger, {}, (request, response) => {
        try {
          request.emit('error', fault);
        } catch (error) {
          thrown = error;
        }
        response.end();
      }),
    );
    await ask('/');
    expect(thrown).toBe(fault);
  });

  test('200 requests at once keep their contexts apart', async () => {
    const { ledger, eventually } = openLedger();
    const { ask } = await openServer(
      auditHttp(
        ledger,
        { identify: async ({ url }) => sleep(2, { tenant: url }) },
        (request, response) => {
          void sleep(Number(request.url?.slice(2)) % 5).then(() => {
            ledger.emit('shop.noted', { message: request.url });
            response.end();
          });
        },
      ),
    );
    await Promise.all(Array.from({ length: 200 }, (_, n) => ask(`/t${n}`)));
    const events = await eventually(200);
    expect(new Set(events.map(({ tenant }) => tenant)).size).toBe(200);
    for (const { tenant, message } of events) expect(message).toBe(tenant);
  });

  test('what becomes known on the way can be added', async () => {
    const { ledger, eventually } = openLedger();
    const { ask } = await openServer(
      auditHttp(ledger, { audit: 'shop.requested' }, (_, response) => {
        amendContext({ actor: ada });
        response.end();
      }),
    );
    await ask('/');
    expect(await eventually(1)).toMatchObject([{ actor: ada }]);
  });

  test('a map of routes says which requests are events, with target and data', async () => {
    const { ledger, eventually } = openLedger();
    const { ask } = await openServer(
      auditHttp(
        ledger,
        {
          audit: {
            'GET /items/:id': { type: 'shop.viewed', target: (_, { id = '' }) => ({ id }) },
            'POST /items/:id/orders': {
              type: 'shop.bought',
              target: (_, { id = '' }) => ({ id }),
              data: ({ headers }) => ({ amount: Number(headers['x-amount']) }),
            },
          },
        },
        (request, response) => {
          response.statusCode = request.method === 'GET' ? 403 : 200;
          response.end();
        },
      ),
    );
    await ask('/items/7');
    await ask('/health');
    await ask('/items/7/orders', { method: 'POST', headers: { 'x-amount': '3' } });
    expect(await eventually(2)).toMatchObject([
      {
        type: 'shop.viewed',
        outcome: 'denied',
        target: { id: '7' },
        error: { code: 'HTTP_403', message: 'Forbidden' },
        attributes: { 'http.route': '/items/:id', 'url.path': '/items/7' },
      },
      { type: 'shop.bought', outcome: 'success', data: { amount: 3 } },
    ]);
  });

  test('a client that goes away is a failure, whether or not an answer had begun', async () => {
    const { ledger, eventually } = openLedger();
    let heard: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => (heard = resolve));
    const { port } = await openServer(
      auditHttp(ledger, { audit: 'shop.requested' }, (request, response) => {
        if (request.url === '/begun') response.write('x');
        heard();
      }),
    );
    const silent = connect(port, '127.0.0.1').end('GET /never HTTP/1.1\r\nhost: x\r\n\r\n');
    await arrived;
    silent.destroy();
    const [never] = await eventually(1);
    expect(never).toMatchObject({ outcome: 'failure', error: { code: 'CONNECTION_CLOSED' } });
    expect(never?.attributes).not.toHaveProperty('http.response.status_code');

    const begun = connect(port, '127.0.0.1');
    begun.write('GET /begun HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => begun.once('data', resolve));
    begun.destroy();
    expect((await eventually(2))[1]).toMatchObject({
      outcome: 'failure',
      error: { code: 'CONNECTION_CLOSED' },
      attributes: { 'http.response.status_code': '200' },
    });
  });
});

describe('R-REC-07: nothing of it fails the request', () => {
  const faults: [string, () => never | Promise<never>, string][] = [
    [
      'throws',
      () => {
        throw new Error('no');
      },
      'failed',
    ],
    ['rejects', () => Promise.reject(new Error('no')), 'failed'],
    [
      'answers what cannot be read',
      () =>
        Object.create(null, {
          tenant: {
            get: () => {
              throw new Error('no');
            },
          },
        }) as never,
      'failed',
    ],
    ['never answers', () => new Promise<never>(() => undefined), 'late'],
  ];
  test.each(faults)('identify that %s', async (_, identify, how) => {
    const { ledger, eventually } = openLedger();
    const heard: LedgerlineError[] = [];
    const onError = (error: LedgerlineError): void => {
      heard.push(error);
      throw new Error('onError, too');
    };
    const options = { identify, identifyTimeoutMs: 20, onError, audit: 'shop.requested' } as const;
    const { ask } = await openServer(
      auditHttp(ledger, options, (__, response) => response.end('fine')),
    );
    expect(await ask('/')).toMatchObject({ status: 200, body: 'fine' });
    expect(await eventually(1)).toMatchObject([
      { actor: { type: 'unknown', id: 'unknown' }, attributes: { 'ledger.identify': how } },
    ]);
    expect(heard).toMatchObject([{ code: 'CALLBACK_FAILED' }]);
  });

  test('a target that throws: the event is counted as invalid and logged', async () => {
    const { ledger, logger } = openLedger();
    const { ask } = await openServer(
      auditHttp(
        ledger,
        {
          audit: {
            'GET *': {
              type: 'shop.viewed',
              target: () => {
                throw new Error('no');
              },
            },
          },
        },
        (_, response) => response.end('fine'),
      ),
    );
    expect(await ask('/')).toMatchObject({ status: 200, body: 'fine' });
    while (ledger.stats().emitted === 0) await new Promise((tick) => setImmediate(tick));
    expect(ledger.stats().rejected.invalid).toBe(1);
    expect(logger.lines).toHaveLength(1);
  });

  test('a closed ledger, a listener that answered already, an event type that is none', async () => {
    const { ledger } = openLedger();
    await ledger.close();
    const audit = { 'GET *': 'shop.nothing' } as unknown as { 'GET *': 'shop.requested' };
    const { ask } = await openServer((request, response) => {
      if (request.url === '/early') response.writeHead(202);
      auditHttp(ledger, { audit }, (_, res) => res.end())(request, response);
    });
    expect((await ask('/')).status).toBe(200);
    expect((await ask('/early')).status).toBe(202);
  });

  test('wrong options are said at once, all of them', () => {
    const { ledger } = openLedger();
    const wrong = { identifyTimeoutMs: -1, forwardedHeader: 'x-real-ip', colour: 'red' } as object;
    expect(() => auditHttp(ledger, wrong, () => undefined)).toThrow(
      /identifyTimeoutMs.*forwardedHeader.*colour|colour/,
    );
  });
});

describe('R-REC-09: a request that OpenTelemetry follows', () => {
  test('has the trace of its span, also when its event is said after the span has ended', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(new BasicTracerProvider());
    onTestFinished(() => {
      context.disable();
      trace.disable();
    });
    const { ledger, eventually } = openLedger();
    const traces: string[] = [];
    const listener = auditHttp(ledger, { audit: 'shop.requested' }, (_, response) => {
      ledger.emit('shop.noted', {});
      response.end();
    });
    const { ask } = await openServer((request, response) =>
      trace.getTracer('test').startActiveSpan('GET', (span) => {
        traces.push(span.spanContext().traceId);
        listener(request, response);
        span.end();
      }),
    );
    await ask('/', { headers: { traceparent: `00-${'a'.repeat(32)}-b7ad6b7169203331-01` } });
    const [active] = traces;
    const ids = { traceId: active, correlationId: active };
    expect(await eventually(2)).toMatchObject([ids, ids]);
  });
});

describe('R-EDGE-04: AUDIT_TRAIL_ASYNC=false', () => {
  test('the response ends when its events are delivered, its own too', async () => {
    const { ledger, transport } = openLedger({ async: false });
    const { ask } = await openServer(
      auditHttp(ledger, { audit: 'shop.requested' }, (_, response) => {
        ledger.run({ tenant: 'inner' }, () => ledger.emit('shop.noted', {}));
        response.end('done');
        response.end('again');
      }),
    );
    expect(await ask('/')).toMatchObject({ status: 200, body: 'done' });
    expect(transport.events().map(({ type }) => type)).toEqual(['shop.noted', 'shop.requested']);
  });

  test('but not later than its deadline, when Kafka hangs', async () => {
    const { ledger, transport } = openLedger({ async: false });
    transport.hang();
    const { ask } = await openServer(
      auditHttp(ledger, { deliveryTimeoutMs: 50 }, (_, response) => {
        ledger.emit('shop.noted', {});
        response.end('done');
      }),
    );
    const startedMs = performance.now();
    expect(await ask('/')).toMatchObject({ status: 200, body: 'done' });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(45);
    expect(transport.events()).toEqual([]);
    transport.recover();
  });
});
