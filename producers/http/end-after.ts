import type { ServerResponse } from 'node:http';
import type { Deliveries } from '../context/deliveries.ts';

/**
 * Lets a response end only after what was said during the request is delivered, or the deadline:
 * its client then knows that it is on record. Headers and body may go out before.
 */
export function endAfter(
  response: ServerResponse,
  deliveries: Deliveries,
  timeoutMs: number,
  atEnd: () => void,
): void {
  const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse;
  let state: 'open' | 'waiting' | 'ended' = 'open';
  const late = (...given: unknown[]): ServerResponse => {
    if (state === 'waiting') return response;
    if (state === 'open') {
      atEnd();
      if (!deliveries.none) {
        state = 'waiting';
        void deliveries.settled(timeoutMs).then(() => {
          state = 'ended';
          endOrDestroy(given);
        });
        return response;
      }
      state = 'ended';
    }
    return end(...given);
  };
  // What `end` refuses would have reached its caller, who has gone on.
  const endOrDestroy = (given: unknown[]): void => {
    try {
      end(...given);
    } catch (error) {
      response.destroy(error as Error);
    }
  };
  response.end = late as ServerResponse['end'];
}
