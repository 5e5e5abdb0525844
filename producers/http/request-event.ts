import type { AuditEvent } from '../../schemas/index.ts';
import type { AnyInput } from '../stamp.ts';
import type { MatchedRoute } from './route-map.ts';
import type { statusOutcome } from './status-outcome.ts';

/** What became of a request. */
interface Ended {
  readonly ending: ReturnType<typeof statusOutcome>;
  readonly attributes: () => AuditEvent['attributes'];
}

/**
 * A request as an event's input. The service's functions are asked when the event is kept, and
 * then once; what they throw makes the event an invalid one, which is counted and logged.
 */
export function requestEvent<R>(
  request: R,
  { audit, params }: MatchedRoute<R>,
  { ending, attributes }: Ended,
): AnyInput {
  const target = once(() => audit.target?.(request, params));
  const data = once(() => audit.data?.(request, params));
  const reason = once(() => audit.reason?.(request, params));
  return {
    outcome: ending.outcome,
    error: ending.error,
    get target() {
      return target();
    },
    get data() {
      return data();
    },
    get reason() {
      return reason();
    },
    get attributes() {
      return attributes();
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
