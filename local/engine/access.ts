import type { IncomingMessage } from 'node:http';
import type { Asked } from './asked.ts';
import { EngineException } from './exceptions.ts';

/**
 * A page in this machine's browser can send requests to 127.0.0.1, and SQL can read files here
 * that a server would not touch. Programs send no Origin, and name this machine as the Host.
 */
export function refuseBrowsers(request: IncomingMessage): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const here = ['127.0.0.1', 'localhost', ''].includes(host);
  if (here && request.headers.origin === undefined) return;
  throw new EngineException(
    497,
    'ACCESS_DENIED',
    'The local endpoint serves programs of this machine, not web pages.',
  );
}

/** There is one user, `default`; the engine as a library cannot have more. */
export function authenticate(asked: Asked, password: string): void {
  if (asked.user === 'default' && asked.password === password) return;
  throw new EngineException(
    516,
    'AUTHENTICATION_FAILED',
    `${asked.user}: Authentication failed: password is incorrect, or there is no user with such name.`,
  );
}
