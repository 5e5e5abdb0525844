/**
 * A gate in front of ClickHouse: passes requests on, and can hold one insert, before the engine sees it,
 * when it has seen the first bytes of it, or after the engine has stored it and before the worker hears of it. That is where a worker has to be
 * killed or stopped to make the faults that matter, for real and every time.
 */
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as send,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export type Moment = 'before-insert' | 'mid-insert' | 'after-insert';

export interface HeldInsert {
  /** Lets it go on: to the engine, or back to the worker. */
  release(): void;
  /** Settles with the engine's status when the held insert has been answered by the engine. */
  readonly answered: Promise<number>;
}

export interface Gate {
  /** What a worker gets as LEDGERLINE_CLICKHOUSE_URL. */
  readonly url: string;
  /** Resolves once an insert (into `audit_events`, if not told otherwise) is held at that moment. */
  hold(moment: Moment): Promise<HeldInsert>;
  close(): Promise<void>;
}

interface Order {
  readonly moment: Moment;
  readonly taken: (held: HeldInsert) => void;
}

/** `inserts`: which statements it may hold. */
export async function openGate(
  target: string,
  inserts = /^INSERT INTO `?audit_events/,
): Promise<Gate> {
  const orders: Order[] = [];
  const server = createServer((request, response) => {
    void pass(request, response).catch(() => response.destroy());
  });

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const statement = new URL(request.url ?? '/', target).searchParams.get('query') ?? '';
    const isInsert = inserts.test(statement);
    const order = isInsert ? orders.shift() : undefined;
    let answer: (status: number) => void = () => undefined;
    const answered = new Promise<number>((resolve) => (answer = resolve));
    const wait = (): Promise<void> =>
      new Promise((release) => order?.taken({ release: () => release(), answered }));

    let reply: Reply;
    if (order?.moment === 'mid-insert') {
      reply = await forwardInTwo(target, request, wait);
    } else {
      const body = await read(request);
      if (order?.moment === 'before-insert') await wait();
      reply = await forward(target, request, body);
    }
    answer(reply.status);
    if (order?.moment === 'after-insert') await wait();
    // The worker may be dead by now.
    if (response.destroyed) return;
    response.writeHead(reply.status, reply.headers);
    response.end(reply.body);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    hold: (moment) => new Promise((taken) => orders.push({ moment, taken })),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

function forward(target: string, from: IncomingMessage, body: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const out = ask(target, from, { 'content-length': body.length }, resolve, reject);
    out.end(body);
  });
}

/** The first piece, then `wait`, then the rest: if there is one, for the worker may be dead by then. */
function forwardInTwo(
  target: string,
  from: IncomingMessage,
  wait: () => Promise<void>,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const out = ask(target, from, { 'transfer-encoding': 'chunked' }, resolve, reject);
    from.once('close', () => from.complete || out.destroy());
    from.once('data', (first: Buffer) => {
      from.pause();
      out.write(first, () => void wait().then(() => from.pipe(out)));
    });
  });
}

function ask(
  target: string,
  from: IncomingMessage,
  length: Readonly<Record<string, string | number>>,
  resolve: (reply: Reply) => void,
  reject: (error: Error) => void,
): ClientRequest {
  const { connection: _c, 'transfer-encoding': _t, host: _h, ...headers } = from.headers;
  const out = send(
    `${target}${from.url ?? '/'}`,
    { method: from.method, headers: { ...headers, ...length } },
    (answer) => {
      read(answer).then((bytes) => {
        const { connection: _connection, 'transfer-encoding': _encoding, ...kept } = answer.headers;
        resolve({
          status: answer.statusCode ?? 502,
          headers: kept as Record<string, string | string[]>,
          body: bytes,
        });
      }, reject);
    },
  );
  out.on('error', reject);
  return out;
}

async function read(from: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
