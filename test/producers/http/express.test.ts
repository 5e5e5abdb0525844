import express, { type NextFunction, type Request, type Response } from 'express';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { auditExpress } from '../../../producers/http/express.ts';
import { amendContext, currentContext } from '../../../producers/index.ts';
import { openLedger, openServer } from './open-server.ts';

describe('R-REC-09: Express', () => {
  test('who asks comes from authentication, before or after; the route is Express’s own', async () => {
    const { ledger, eventually } = openLedger();
    const app = express();
    app.use(
      auditExpress(ledger, {
        trustedProxies: 1,
        identify: (request: Request) => ({ tenant: request.get('x-tenant') }),
        audit: {
          'POST /shop/items/:id/orders': {
            type: 'shop.bought',
            target: (request) => ({ id: String(request.params['id']) }),
            data: (request) => request.body as object,
          },
          'GET *': 'shop.requested',
        },
      }),
    );
    app.use((_request, _response, next) => {
      amendContext({ actor: { type: 'user', id: 'u_1' } });
      next();
    });
    app.use(express.json());
    const shop = express.Router();
    shop.post('/items/:id/orders', async (_request, response) => {
      await sleep(1);
      ledger.emit('shop.noted', {});
      response.status(201).json({ ok: true });
    });
    app.use('/shop', shop);
    const { ask } = await openServer(app);
    const answer = await ask('/SHOP/items/7/orders', {
      method: 'POST',
      headers: {
        'x-tenant': 'acme',
        'content-type': 'application/json',
        'x-forwarded-for': '6.6.6.6, 203.0.113.9',
      },
      body: '{"amount":3}',
    });
    expect(answer.status).toBe(201);
    expect((await ask('/nowhere')).status).toBe(404);
    const actor = { type: 'user', id: 'u_1' };
    expect(await eventually(3)).toMatchObject([
      { type: 'shop.noted', tenant: 'acme', actor, sourceIp: '203.0.113.9' },
      {
        type: 'shop.bought',
        tenant: 'acme',
        actor,
        target: { type: 'item', id: '7' },
        data: { amount: 3 },
        correlationId: answer.headers['x-request-id'],
        attributes: { 'http.route': '/shop/items/:id/orders' },
      },
      { type: 'shop.requested', outcome: 'failure', error: { code: 'HTTP_404' } },
    ]);
  });

  test('an error of a handler is a failure, and the answer is Express’s', async () => {
    const { ledger, eventually } = openLedger();
    const app = express();
    app.use(auditExpress(ledger, { audit: 'shop.requested' }));
    app.get('/fails', () => {
      throw new Error('no');
    });
    app.get('/denies', (_request, _response, next) => {
      next(Object.assign(new Error('not yours'), { status: 403 }));
    });
    app.use((error: { status?: number }, _: Request, response: Response, _next: NextFunction) => {
      response.status(error.status ?? 500).send(currentContext()?.correlationId);
    });
    const { ask } = await openServer(app);
    const failed = await ask('/fails');
    expect(failed).toMatchObject({ status: 500, body: failed.headers['x-request-id'] });
    expect((await ask('/denies')).status).toBe(403);
    expect(await eventually(2)).toMatchObject([
      { outcome: 'failure', error: { code: 'HTTP_500' }, attributes: { 'http.route': '/fails' } },
      { outcome: 'denied', error: { code: 'HTTP_403' } },
    ]);
  });

  test('the context outlives body parsing and streams', async () => {
    const { ledger } = openLedger();
    const app = express();
    app.use(auditExpress(ledger, { identify: ({ originalUrl }) => ({ tenant: originalUrl }) }));
    app.use(express.text());
    app.post('/:name', (request, response) => {
      setImmediate(() =>
        response.send(`${currentContext()?.tenant} ${String(request.body).length}`),
      );
    });
    const { ask } = await openServer(app);
    const answers = await Promise.all(
      ['/a', '/b', '/c'].map((path, n) =>
        ask(path, {
          method: 'POST',
          headers: { 'content-type': 'text/plain' },
          body: 'x'.repeat(90_000 + n),
        }),
      ),
    );
    expect(answers.map(({ body }) => body)).toEqual(['/a 90000', '/b 90001', '/c 90002']);
  });

  test('R-EDGE-04: with async: false the answer waits for its events', async () => {
    const { ledger, transport } = openLedger({ async: false });
    const app = express();
    app.use(auditExpress(ledger, { audit: 'shop.requested' }));
    app.get('/', (_request, response) => {
      response.json({ ok: true });
    });
    const { ask } = await openServer(app);
    expect(await ask('/')).toMatchObject({ status: 200, body: '{"ok":true}' });
    expect(transport.events()).toMatchObject([{ type: 'shop.requested', outcome: 'success' }]);
  });
});
