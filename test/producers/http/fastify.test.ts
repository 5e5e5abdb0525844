import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { Readable } from 'node:stream';
import fastify, { type FastifyRequest } from 'fastify';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { auditFastify } from '../../../producers/http/fastify.ts';
import { currentContext } from '../../../producers/index.ts';
import { asks, openLedger } from './open-server.ts';

async function listen(app: ReturnType<typeof fastify>) {
  onTestFinished(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const [address] = app.addresses();
  const port = address?.port ?? 0;
  return { port, ask: asks(port) };
}

describe('R-REC-09: Fastify', () => {
  test('holds for every route, below too; the route is Fastify’s own', async () => {
    const { ledger, eventually } = openLedger();
    const app = fastify();
    await app.register(
      auditFastify(ledger, {
        trustedProxies: ['loopback'],
        identify: async (request: FastifyRequest<{ Params: { tenant?: string } }>) => {
          await sleep(1);
          return { tenant: request.params.tenant, actor: { type: 'user', id: 'u_1' } };
        },
        audit: {
          'POST /:tenant/items/:id/orders': {
            type: 'shop.bought',
            target: (_, { id = '' }) => ({ id }),
            data: ({ body }) => body as object,
          },
          '* *': 'shop.requested',
        },
      }),
    );
    await app.register(
      (shop, _options, done) => {
        shop.post('/items/:id/orders', async () => {
          await sleep(1);
          ledger.emit('shop.noted', { message: currentContext()?.tenant });
          return { ok: true };
        });
        done();
      },
      { prefix: '/:tenant' },
    );
    const { ask } = await listen(app);
    const answer = await ask('/acme/items/7/orders', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' },
      body: '{"amount":3}',
    });
    expect(answer).toMatchObject({ status: 200, body: '{"ok":true}' });
    expect((await ask('/nowhere')).status).toBe(404);
    const common = { tenant: 'acme', actor: { id: 'u_1' }, sourceIp: '203.0.113.9' };
    expect(await eventually(3)).toMatchObject([
      { type: 'shop.noted', message: 'acme', ...common },
      {
        type: 'shop.bought',
        ...common,
        target: { id: '7' },
        data: { amount: 3 },
        attributes: {
          'http.route': '/:tenant/items/:id/orders',
          'url.path': '/acme/items/7/orders',
        },
      },
      { type: 'shop.requested', outcome: 'failure', error: { code: 'HTTP_404' } },
    ]);
  });

  test('answers the request’s id, whatever becomes of it, as the reply’s own headers are', async () => {
    const { ledger } = openLedger();
    const app = fastify();
    await app.register(auditFastify(ledger));
    app.get('/works', (_request, reply) => reply.header('x-own', '1').send({ ok: true }));
    app.get('/fails', () => Promise.reject(new Error('no')));
    app.get('/streams', (_request, reply) => reply.send(Readable.from(['a', 'b'])));
    app.get('/hijacks', (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, reply.getHeaders() as Record<string, string>).end('raw');
    });
    const { port } = await listen(app);
    for (const path of ['/works', '/fails', '/streams', '/hijacks', '/nowhere']) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { 'x-request-id': `req-of-${path.slice(1)}` },
      });
      await answer.arrayBuffer();
      expect(answer.headers.get('x-request-id')).toBe(`req-of-${path.slice(1)}`);
    }
  });

  test('errors, refusals, streams and clients that go away', async () => {
    const { ledger, eventually } = openLedger();
    const app = fastify();
    await app.register(auditFastify(ledger, { audit: 'shop.requested' }));
    let heard: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => (heard = resolve));
    app.get('/fails', () => Promise.reject(new Error('no')));
    app.get('/denies', (_request, reply) => reply.code(401).send());
    app.get('/streams', (_request, reply) => reply.send(Readable.from(['a', 'b'])));
    app.get('/hangs', () => {
      heard();
      return new Promise(() => undefined);
    });
    const { ask, port } = await listen(app);
    expect((await ask('/fails')).status).toBe(500);
    expect((await ask('/denies')).status).toBe(401);
    expect((await ask('/streams')).body).toBe('ab');
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /hangs HTTP/1.1\r\nhost: x\r\n\r\n');
    await arrived;
    socket.destroy();
    expect((await eventually(4)).map(({ outcome, error }) => [outcome, error?.code])).toEqual([
      ['failure', 'HTTP_500'],
      ['denied', 'HTTP_401'],
      ['success', undefined],
      ['failure', 'CONNECTION_CLOSED'],
    ]);
  });

  test('100 requests at once keep their contexts apart, with bodies', async () => {
    const { ledger, eventually } = openLedger();
    const app = fastify();
    await app.register(
      auditFastify(ledger, { identify: ({ originalUrl }) => ({ tenant: originalUrl }) }),
    );
    app.post('/:n', async ({ body }) => {
      await sleep(1);
      ledger.emit('shop.noted', { message: (body as { n: string }).n });
      return '';
    });
    const { ask } = await listen(app);
    await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        ask(`/${n}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ n: `/${n}` }),
        }),
      ),
    );
    const events = await eventually(100);
    expect(new Set(events.map(({ tenant }) => tenant)).size).toBe(100);
    for (const { tenant, message } of events) expect(message).toBe(tenant);
  });

  test('over HTTP/2 as well', async () => {
    const { ledger, eventually } = openLedger();
    const app = fastify({ http2: true });
    await app.register(auditFastify(ledger, { audit: 'shop.requested' }));
    app.get('/', () => ({ tenant: currentContext()?.correlationId }));
    onTestFinished(() => app.close());
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    const client = connectHttp2(address);
    const stream = client.request({ ':path': '/', 'x-request-id': 'req-2' });
    let body = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    const [headers] = (await once(stream, 'response')) as [Record<string, string>];
    await once(stream, 'end');
    client.close();
    expect([headers['x-request-id'], body]).toEqual(['req-2', '{"tenant":"req-2"}']);
    expect(await eventually(1)).toMatchObject([
      { outcome: 'success', correlationId: 'req-2', sourceIp: '127.0.0.1' },
    ]);
  });

  test('R-EDGE-04: with async: false the answer waits for its events, a stream’s too', async () => {
    const { ledger, transport } = openLedger({ async: false });
    const app = fastify();
    await app.register(auditFastify(ledger, { audit: 'shop.requested' }));
    app.get('/', () => ({ ok: true }));
    app.get('/sent', (_request, reply) => {
      void reply.send('x');
    });
    app.get('/streams', (_request, reply) => reply.send(Readable.from(['a', 'b'])));
    const { ask } = await listen(app);
    for (const [index, path] of ['/', '/sent', '/streams'].entries()) {
      expect((await ask(path)).status).toBe(200);
      expect(transport.events()).toHaveLength(index + 1);
    }
  });
});
