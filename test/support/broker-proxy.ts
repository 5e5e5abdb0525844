/**
 * A TCP proxy in front of a broker that reads Kafka's framing: it can answer a request itself, hold an
 * answer back, or cut the connection in the middle of one. Clients stay behind it, because it puts its own
 * port wherever the broker names its address (Metadata, FindCoordinator).
 * Framing: https://kafka.apache.org/protocol#protocol_messages
 */
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { API, frameOf, type KafkaRequest, readRequest, Frames } from './kafka-frames.ts';

export type Treatment =
  /** The broker never sees the request; this is the answer. */
  | { readonly instead: (request: KafkaRequest) => Buffer }
  /** The broker does it; the client gets this answer. */
  | { readonly afterwards: (request: KafkaRequest) => Buffer }
  /** The broker does it; its answer, with its eight bytes of header, is changed on the way. */
  | { readonly changed: (frame: Buffer) => Buffer }
  /** The broker does it and answers late. As in a broker, what came behind it on this connection waits. */
  | { readonly delayMs: number }
  /** The broker does it; the connection is cut in the middle of the answer. */
  | 'cut'
  /** The broker never sees it, and nobody answers. */
  | 'swallow'
  /** The broker does it, and nobody answers. */
  | 'lose';

export interface Which {
  /** Default 1. */
  readonly times?: number;
  readonly where?: (request: KafkaRequest) => boolean;
}

export interface BrokerProxy {
  /** `host:port`, as clients take it. */
  readonly address: string;
  /** Treats the next requests of this kind so; resolves when the last of them was treated. */
  next(apiKey: number, treatment: Treatment, which?: Which): Promise<void>;
  /** Treats all of this kind so until the answer is called; it says how many there were. */
  always(apiKey: number, treatment: Treatment): () => number;
  /** Cuts every connection now. */
  cut(): void;
  close(): Promise<void>;
}

interface Order {
  readonly apiKey: number;
  readonly treatment: Treatment;
  readonly where: (request: KafkaRequest) => boolean;
  left: number;
  done: number;
  readonly ended: () => void;
}

export async function openBrokerProxy(broker: string): Promise<BrokerProxy> {
  const [host = '127.0.0.1', port = '0'] = broker.split(':');
  const sockets = new Set<Socket>();
  const orders: Order[] = [];
  let own = 0;

  function orderOf(request: KafkaRequest): Order | undefined {
    const order = orders.find(
      ({ apiKey, left, where }) => apiKey === request.apiKey && left > 0 && where(request),
    );
    if (!order) return undefined;
    order.left--;
    order.done++;
    // Where the broker does it, it has done it once it answers.
    if (order.left === 0 && brokerNeverSees(order.treatment)) order.ended();
    return order;
  }

  const server = createServer((client) => {
    const upstream = connect({ host, port: Number(port) });
    const waiting = new Map<number, { request: KafkaRequest; order: Order | undefined }>();
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('error', end);
      socket.once('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    const toBroker = new Frames();
    const queue: Buffer[] = [];
    let late = false;
    const pass = (frame: Buffer): void => {
      const request = readRequest(frame);
      const order = orderOf(request);
      const treatment = order?.treatment;
      if (treatment === 'swallow') return;
      if (typeof treatment === 'object' && 'instead' in treatment) {
        client.write(frameOf(request.correlationId, treatment.instead(request)));
        return;
      }
      late = typeof treatment === 'object' && 'delayMs' in treatment;
      waiting.set(request.correlationId, { request, order });
      upstream.write(frame);
    };
    const passAll = (): void => {
      while (!late && !client.destroyed) {
        const frame = queue.shift();
        if (!frame) return;
        pass(frame);
      }
    };
    client.on('data', (chunk: Buffer) => {
      queue.push(...toBroker.push(chunk));
      passAll();
    });
    const toClient = new Frames();
    upstream.on('data', (chunk: Buffer) => {
      for (const frame of toClient.push(chunk)) {
        const correlationId = frame.readInt32BE(4);
        const asked = waiting.get(correlationId);
        waiting.delete(correlationId);
        if (asked) renameBroker(asked.request, frame, host, Number(port), own);
        const order = asked?.order;
        if (!asked || !order) {
          client.write(frame);
          continue;
        }
        const { treatment } = order;
        if (order.left === 0) order.ended();
        if (treatment === 'cut') {
          client.write(frame.subarray(0, Math.ceil(frame.length / 2)), end);
        } else if (typeof treatment === 'string') {
          continue;
        } else if ('delayMs' in treatment) {
          setTimeout(() => {
            late = false;
            if (!client.destroyed) client.write(frame);
            passAll();
          }, treatment.delayMs);
        } else if ('changed' in treatment) {
          client.write(treatment.changed(frame));
        } else if ('afterwards' in treatment) {
          client.write(frameOf(correlationId, treatment.afterwards(asked.request)));
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  own = (server.address() as AddressInfo).port;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const order = (apiKey: number, treatment: Treatment, which: Which, ended: () => void): Order => {
    const { times = 1, where = () => true } = which;
    const made: Order = { apiKey, treatment, where, left: times, done: 0, ended };
    orders.push(made);
    return made;
  };
  return {
    address: `127.0.0.1:${own}`,
    next: (apiKey, treatment, which = {}) =>
      new Promise((resolve) => void order(apiKey, treatment, which, resolve)),
    always(apiKey, treatment) {
      const made = order(apiKey, treatment, { times: Number.POSITIVE_INFINITY }, () => undefined);
      return () => {
        made.left = 0;
        return made.done;
      };
    },
    cut,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

const brokerNeverSees = (treatment: Treatment): boolean =>
  treatment === 'swallow' || (typeof treatment === 'object' && 'instead' in treatment);

/** Host and port stand side by side in every version, so the port can be changed in place. */
function renameBroker(
  { apiKey }: KafkaRequest,
  frame: Buffer,
  host: string,
  from: number,
  to: number,
): void {
  if (apiKey !== API.metadata && apiKey !== API.findCoordinator) return;
  const named = Buffer.alloc(host.length + 4);
  named.write(host);
  named.writeInt32BE(from, host.length);
  for (let at = frame.indexOf(named); at >= 0; at = frame.indexOf(named, at + 1)) {
    frame.writeInt32BE(to, at + host.length);
  }
}
