/**
 * What stands between worker and ClickHouse in fault tests: passes requests on, or treats them as a
 * broken network, balancer or server would. Settings that it adds make the real engine fail for real.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerWith, forward, openRelay, readAll, type Relay } from './http-relay.ts';

export type Treatment =
  | 'pass'
  /** Taken and never answered; the engine does not see it. */
  | 'swallow'
  /** The engine does it, and the connection breaks before the answer. */
  | 'lose-reply'
  /** The engine does it, and the answer never comes. */
  | 'keep-reply'
  /** Answered by something that is not ClickHouse; the engine does not see it. */
  | { readonly status: number; readonly body?: string }
  /** As the engine answers with these settings in the request. */
  | { readonly settings: Readonly<Record<string, string>> }
  /** On its way until it is released. */
  | { readonly hold: (release: () => void) => void };

export interface Seen {
  readonly statement: string;
  readonly isInsert: boolean;
  readonly bytes: number;
  /** Of the requests of this kind, counted from 1. */
  readonly number: number;
}

export type Rule = (seen: Seen) => Treatment;

export interface EngineProxy extends Relay {
  /** From now on. Answers how many requests the new rule has treated otherwise than by passing them. */
  treat(rule: Rule): () => number;
}

const pass: Rule = () => 'pass';

export async function openEngineProxy(target: string): Promise<EngineProxy> {
  let rule = pass;
  let treated = 0;
  const counts = { inserts: 0, others: 0 };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const address = new URL(request.url ?? '/', target);
    const statement = address.searchParams.get('query') ?? body.toString('utf8', 0, 4_096);
    const isInsert = /^\s*INSERT INTO/i.test(statement);
    const number = isInsert ? ++counts.inserts : ++counts.others;
    const treatment = rule({ statement, isInsert, bytes: body.length, number });
    if (treatment !== 'pass') treated++;
    if (treatment === 'swallow') return;
    if (typeof treatment === 'object' && 'status' in treatment) {
      response.writeHead(treatment.status, { 'content-type': 'text/html' });
      response.end(treatment.body ?? `<html><h1>${treatment.status}</h1></html>`);
      return;
    }
    if (typeof treatment === 'object' && 'hold' in treatment) {
      await new Promise<void>((release) => treatment.hold(release));
    }
    if (typeof treatment === 'object' && 'settings' in treatment) {
      for (const [name, value] of Object.entries(treatment.settings)) {
        address.searchParams.set(name, value);
      }
    }
    const reply = await forward(address, request, body);
    if (treatment === 'keep-reply') return;
    if (treatment === 'lose-reply') {
      response.destroy();
      return;
    }
    answerWith(response, reply);
  }

  return {
    ...(await openRelay(serve)),
    treat(next) {
      rule = next;
      counts.inserts = 0;
      counts.others = 0;
      treated = 0;
      return () => treated;
    },
  };
}
