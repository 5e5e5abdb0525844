/** TLS before something that speaks none: decrypts, and passes bytes on. */
import { type AddressInfo, connect } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Certificate } from './certificates.ts';

export interface TlsFront {
  /** `https://127.0.0.1:port` */
  readonly url: string;
  close(): Promise<void>;
}

export async function openTlsFront(port: number, { cert, key }: Certificate): Promise<TlsFront> {
  const open = new Set<TLSSocket>();
  const server = createServer({ cert, key }, (socket) => {
    const inner = connect({ host: '127.0.0.1', port });
    open.add(socket);
    const end = (): void => {
      open.delete(socket);
      socket.destroy();
      inner.destroy();
    };
    for (const side of [socket, inner]) side.on('error', end).on('close', end);
    socket.pipe(inner).pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
