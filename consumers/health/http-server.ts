/** A few pages for probes and scrapers: GET and HEAD alone, nothing read from the request but its path. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeDeadline } from '../deadline.ts';
import { WorkerError } from '../worker-error.ts';

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface HttpServer {
  /** e.g. `http://127.0.0.1:9464` */
  readonly url: string;
  close(): Promise<void>;
}

/** Of reading a request's head, and of making an answer. */
const DEADLINE_MS = 5_000;
const MAX_CONNECTIONS = 64;

/**
 * @param pages by path, e.g. `/healthz`
 * @throws WorkerError PORT_TAKEN
 */
export async function servePages(
  where: { readonly host: string; readonly port: number },
  pages: Readonly<Record<string, () => Page | Promise<Page>>>,
): Promise<HttpServer> {
  const { host, port } = where;
  const answer = async (request: IncomingMessage): Promise<Page> => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return text(405, 'Only GET and HEAD.');
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (!page) return text(404, `There are ${Object.keys(pages).join(', ')}.`);
    return beforeDeadline(Promise.resolve().then(page), DEADLINE_MS).catch(() =>
      text(503, 'No answer in time.'),
    );
  };
  const server = createServer({ requestTimeout: DEADLINE_MS, headersTimeout: DEADLINE_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(2 * DEADLINE_MS);
  server.on('request', (request, response) => {
    request.resume();
    void answer(request).then((page) => send(page, request, response));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new WorkerError('PORT_TAKEN', `Cannot serve health on ${host}:${port}: ${error.code}`, {
          hint: 'Set LEDGERLINE_HTTP_HOST and LEDGERLINE_HTTP_PORT to an address that is free.',
          cause: error,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  const bound = server.address() as AddressInfo;
  const shown = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${shown}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const json = (status: number, value: unknown): Page => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value)}\n`,
});

const text = (status: number, line: string): Page => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${line}\n`,
});

function send(page: Page, request: IncomingMessage, response: ServerResponse): void {
  if (response.destroyed) return;
  response.writeHead(page.status, {
    'content-type': page.contentType,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    ...(page.status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(request.method === 'HEAD' ? undefined : page.body);
}
