/** What stands between a worker and ClickHouse in tests: a server that hands requests on, one way or another. */
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as send,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Relay {
  /** What a worker gets as LEDGERLINE_CLICKHOUSE_URL. */
  readonly url: string;
  close(): Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** Each request is `pass`'s business; one that it fails at ends without an answer. */
export async function openRelay(
  pass: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Relay> {
  const server = createServer((request, response) => {
    void pass(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The request as it came, with this body. */
export function forward(address: URL, from: IncomingMessage, body: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    ask(address, from, { 'content-length': body.length }, resolve, reject).end(body);
  });
}

/** The head of the request as it came; its body is for the caller to write. */
export function ask(
  address: URL,
  from: IncomingMessage,
  length: Readonly<Record<string, string | number>>,
  resolve: (reply: Reply) => void,
  reject: (error: Error) => void,
): ClientRequest {
  const { connection: _c, 'transfer-encoding': _t, host: _h, ...headers } = from.headers;
  const out = send(
    address,
    { method: from.method, headers: { ...headers, ...length } },
    (answer) => {
      readAll(answer).then((body) => {
        const { connection: _oc, 'transfer-encoding': _ot, ...kept } = answer.headers;
        resolve({
          status: answer.statusCode ?? 502,
          headers: kept as Record<string, string | string[]>,
          body,
        });
      }, reject);
    },
  );
  out.on('error', reject);
  return out;
}

/** The worker may be dead by now. */
export function answerWith(response: ServerResponse, { status, headers, body }: Reply): void {
  if (response.destroyed) return;
  response.writeHead(status, headers);
  response.end(body);
}

export async function readAll(from: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
