import type { AuditEvent } from '../../schemas/index.ts';
import type { AnyInput } from '../stamp.ts';
import type { MatchedRoute } from './route-map.ts';
import type { statusOutcome } from './status-outcome.ts';

/** What became of a request. */
interface Ended {
  readonly ending: ReturnType<typeof statusOutcome>;
  readonly traceId: string | undefined;
  readonly attributes: () => AuditEvent['attributes'];
}

/**
 * A request as an event's input. The service's functions are asked when the event is kept, and
 * then once; what they throw makes the event an invalid one, which is counted and logged.
 */
export class RequestEvent<R> implements AnyInput {
  readonly outcome: AnyInput['outcome'];
  readonly error: AnyInput['error'];
  readonly traceId: string | undefined;
  readonly #request: R;
  readonly #found: MatchedRoute<R>;
  readonly #attributes: Ended['attributes'];
  #said: Pick<AnyInput, 'target' | 'data' | 'reason' | 'attributes'> | undefined;

  constructor(request: R, found: MatchedRoute<R>, { ending, traceId, attributes }: Ended) {
    this.outcome = ending.outcome;
    this.error = ending.error;
    this.traceId = traceId;
    this.#request = request;
    this.#found = found;
    this.#attributes = attributes;
  }

  get target(): AnyInput['target'] {
    return this.#say().target;
  }

  get data(): unknown {
    return this.#say().data;
  }

  get reason(): string | undefined {
    return this.#say().reason;
  }

  get attributes(): AnyInput['attributes'] {
    return this.#say().attributes;
  }

  #say(): Pick<AnyInput, 'target' | 'data' | 'reason' | 'attributes'> {
    const { audit, params } = this.#found;
    return (this.#said ??= {
      target: audit.target?.(this.#request, params),
      data: audit.data?.(this.#request, params),
      reason: audit.reason?.(this.#request, params),
      attributes: this.#attributes(),
    });
  }
}
