import type { Action, PanelClient } from './panel-client.ts';

/** How the requests ended. */
export interface Traffic {
  sent: number;
  succeeded: number;
  denied: number;
  failed: number;
}

export const noTraffic = (): Traffic => ({ sent: 0, succeeded: 0, denied: 0, failed: 0 });

/** What a request that failed on purpose answers: taken, too large, unprocessable. */
const FAILURES = new Set([409, 413, 422]);

/** Sends one action after the other over each connection, until there are no more. */
export async function drive(
  client: PanelClient,
  actions: Iterator<Action, unknown>,
  connections: number,
  traffic: Traffic,
  signal: AbortSignal,
): Promise<void> {
  const one = async (): Promise<void> => {
    for (let next = actions.next(); !next.done; next = actions.next()) {
      signal.throwIfAborted();
      const action = next.value;
      const answer = await client.send(action);
      traffic.sent += 1;
      if (answer.status < 300) {
        traffic.succeeded += 1;
        action.learn?.(answer);
      } else if (answer.status === 403 || answer.status === 401) traffic.denied += 1;
      else if (FAILURES.has(answer.status)) traffic.failed += 1;
      else {
        const { method, path } = action;
        throw new Error(
          `${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.json)}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
}
