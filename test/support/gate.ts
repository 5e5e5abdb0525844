/**
 * A gate in front of ClickHouse: passes requests on, and can hold one insert, before the engine sees it,
 * when it has seen the first bytes of it, or after the engine has stored it and before the worker hears of it. That is where a worker has to be
 * killed or stopped to make the faults that matter, for real and every time.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  answerWith,
  ask,
  forward,
  openRelay,
  readAll,
  type Relay,
  type Reply,
} from './http-relay.ts';

export type Moment = 'before-insert' | 'mid-insert' | 'after-insert';

export interface HeldInsert {
  /** Lets it go on: to the engine, or back to the worker. */
  release(): void;
  /** Settles with the engine's status when the held insert has been answered by the engine. */
  readonly answered: Promise<number>;
}

export interface Gate extends Relay {
  /** Resolves once an insert (into `audit_events`, if not told otherwise) is held at that moment. */
  hold(moment: Moment): Promise<HeldInsert>;
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

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = new URL(request.url ?? '/', target);
    const statement = address.searchParams.get('query') ?? '';
    const isInsert = inserts.test(statement);
    const order = isInsert ? orders.shift() : undefined;
    let answer: (status: number) => void = () => undefined;
    const answered = new Promise<number>((resolve) => (answer = resolve));
    const wait = (): Promise<void> =>
      new Promise((release) => order?.taken({ release: () => release(), answered }));

    let reply: Reply;
    if (order?.moment === 'mid-insert') {
      reply = await forwardInTwo(address, request, wait);
    } else {
      const body = await readAll(request);
      if (order?.moment === 'before-insert') await wait();
      reply = await forward(address, request, body);
    }
    answer(reply.status);
    if (order?.moment === 'after-insert') await wait();
    answerWith(response, reply);
  }

  return {
    ...(await openRelay(pass)),
    hold: (moment) => new Promise((taken) => orders.push({ moment, taken })),
  };
}

/** The first piece, then `wait`, then the rest: if there is one, for the worker may be dead by then. */
function forwardInTwo(
  address: URL,
  from: IncomingMessage,
  wait: () => Promise<void>,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const out = ask(address, from, { 'transfer-encoding': 'chunked' }, resolve, reject);
    from.once('close', () => from.complete || out.destroy());
    from.once('data', (first: Buffer) => {
      from.pause();
      out.write(first, () => void wait().then(() => from.pipe(out)));
    });
  });
}
