import { createServer, type AddressInfo, type Socket } from 'node:net';

/** Something at a broker's address that accepts connections and never answers. */
export interface HungKafka {
  readonly address: string;
  close(): Promise<void>;
}

export async function openHungKafka(): Promise<HungKafka> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
