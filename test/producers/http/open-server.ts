import { createServer, request as openRequest, type Agent, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { onTestFinished } from 'vitest';
import {
  category,
  createLedger,
  defineCatalog,
  event,
  type AuditEvent,
  type LedgerOptions,
} from '../../../producers/index.ts';
import { memoryTransport } from '../../../producers/testing.ts';
import { lineLogger } from '../catalog.ts';

const shop = category('shop', {
  label: 'Shop',
  icon: 'store',
  events: {
    'shop.requested': event({ operation: 'execute', label: 'Request' }),
    'shop.viewed': event({ operation: 'read', label: 'Viewed', target: 'item' }),
    'shop.bought': event({
      operation: 'create',
      label: 'Bought',
      target: 'item',
      data: z.strictObject({ amount: z.int() }),
    }),
    'shop.noted': event({ operation: 'update', label: 'Noted' }),
  },
});
const catalog = defineCatalog(shop);

/** A ledger of a shop, and what it has stored. */
export function openLedger(options: Partial<LedgerOptions<typeof catalog>> = {}) {
  const transport = memoryTransport();
  const logger = lineLogger();
  const ledger = createLedger({
    service: 'shop',
    catalog,
    transport,
    logger,
    level: 'all',
    flushIntervalMs: 0,
    ...options,
  });
  onTestFinished(() => ledger.close({ timeoutMs: 100 }).then(() => undefined));
  const events = async (): Promise<AuditEvent[]> => {
    await ledger.flush();
    return transport.events().toSorted((a, b) => (a.producer?.seq ?? 0) - (b.producer?.seq ?? 0));
  };
  return {
    ledger,
    logger,
    transport,
    events,
    /** Waits for the events of requests whose answer is there before the server is done with them. */
    eventually: async (count: number): Promise<AuditEvent[]> => {
      while (ledger.stats().accepted < count) await new Promise((tick) => setImmediate(tick));
      return events();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A server on a free port of the loopback, and a client for it. */
export async function openServer(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return { port, ask: asks(port) };
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent;
}

export const asks =
  (port: number) =>
  (path: string, { method = 'GET', headers = {}, body, agent }: Asked = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = openRequest({ host: '127.0.0.1', port, path, method, headers, agent });
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      });
      request.end(body);
    });
