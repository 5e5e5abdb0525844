import { createServer } from 'node:net';
import { LedgerlineError } from '../schemas/index.ts';

// Below the ports that the system hands to outgoing connections (32768 up on Linux, 49152 on
// macOS): a part that is restarted on its port must not find a client's socket there.
const LOWEST = 20_000;
const HIGHEST = 29_999;
const TRIES = 50;

/** Whether something could listen on 127.0.0.1:`port` now. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (await isFree(port)) return port;
  }
  throw new LedgerlineError(
    'PORT_TAKEN',
    `no free port found between ${LOWEST} and ${HIGHEST} on 127.0.0.1`,
    { hint: 'Name a port, or stop what listens there.' },
  );
}

/**
 * The port to use: the one asked for, if it is free, else any free one.
 *
 * @throws LedgerlineError PORT_TAKEN
 */
export async function choosePort(what: string, asked: number | undefined): Promise<number> {
  if (asked === undefined) return freePort();
  if (await isFree(asked)) return asked;
  throw new LedgerlineError('PORT_TAKEN', `${what} cannot listen on 127.0.0.1:${asked}: taken`, {
    hint: 'Stop what listens there, or choose another port.',
  });
}
