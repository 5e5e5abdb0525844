import { Agent, request as open } from 'node:http';

/** One request to the panel, and how it may end. */
export interface Action {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly tenant: string;
  readonly user: string;
  readonly onBehalfOf?: string | undefined;
  readonly body?: unknown;
  /** Called with the answer, to learn ids. */
  readonly learn?: ((answer: Answer) => void) | undefined;
}

export interface Answer {
  readonly status: number;
  readonly json: unknown;
}

const REQUEST_TIMEOUT_MS = 30_000;

/** Speaks HTTP with the panel over a few connections that stay open. */
export class PanelClient implements Disposable {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, connections: number) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  send({ method, path, tenant, user, onBehalfOf, body }: Action): Promise<Answer> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string | number> = {
      'x-tenant': tenant,
      'x-user': user,
      'x-forwarded-for': `203.0.113.${(user.charCodeAt(2) * 7) % 200}`,
    };
    if (onBehalfOf !== undefined) headers['x-on-behalf-of'] = onBehalfOf;
    if (payload !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = Buffer.byteLength(payload);
    }
    return new Promise((resolve, reject) => {
      const timeout = REQUEST_TIMEOUT_MS;
      const request = open(`${this.#url}${path}`, { method, headers, agent: this.#agent, timeout });
      request.on('timeout', () =>
        request.destroy(new Error(`${method} ${path}: no answer within ${timeout / 1000} s`)),
      );
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const json: unknown = text === '' ? undefined : JSON.parse(text);
          resolve({ status: response.statusCode ?? 0, json });
        });
      });
      request.end(payload);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
