import type { Request } from 'autocannon';
import { tokenOf } from './session.ts';
import { TOOLS } from './tools.ts';

/** What the service may answer to these; all else is an error. */
export const EXPECTED_STATUSES: ReadonlySet<number> = new Set([200, 403, 409]);

const USERS = 500;

/**
 * What one connection asks for, again and again: of twenty requests seventeen read, two write, and
 * one fails or is denied. Each begins elsewhere, so that they do not all write at once.
 */
export function requestsOf(connection: number): Request[] {
  const user = `u_${connection % USERS}`;
  const headers = { authorization: `Bearer ${tokenOf(user)}`, 'user-agent': 'bench/1.0' };
  const id = (n: number): string => `tool_${(connection * 7 + n * 131) % TOOLS}`;
  const withBody = (method: 'PUT' | 'POST', path: string, body: object): Request => ({
    method,
    path,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const reads = Array.from({ length: 17 }, (_, n): Request => {
    const path = n % 4 === 0 ? `/tools?page=${(connection + n) % 100}` : `/tools/${id(n)}`;
    return { method: 'GET', path, headers };
  });
  const update = withBody('PUT', `/tools/${id(1)}`, {
    name: `search by ${user}`,
    description: `Changed by connection ${connection}, which looks up what its caller may see.`,
    server: `srv_${connection % 40}`,
    timeoutMs: 1_000 + connection,
    tags: ['search', 'internal', 'changed'],
    limits: { perMinute: 60 + (connection % 600), inputBytes: 65_536 },
  });
  const call = (n: number, query: string): Request =>
    withBody('POST', `/tools/${id(n)}/invocations`, { input: { query, limit: 50, page: 1 } });
  const refused: Request =
    connection % 2 === 0 ? call(3, 'fail') : { method: 'DELETE', path: `/tools/${id(4)}`, headers };
  const all = [...reads.slice(0, 6), update, ...reads.slice(6, 12), call(2, 'orders of May')];
  all.push(...reads.slice(12), refused);
  const first = connection % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
