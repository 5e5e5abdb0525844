import type { AuditEvent, EventFields, Party } from '../../schemas/index.ts';
import { currentContext, gathered, joined, type AuditContext } from './context.ts';
import { activeTraceId } from './open-telemetry.ts';

/** What a ledger says of events that say nothing themselves. */
export interface EventDefaults {
  readonly tenant: string;
  readonly actor: Party | undefined;
}

/**
 * Who, for whom and from where an event is, each asked for on its own, since a rule needs one of
 * them and most events none: what the event says, else the context, else the ledger.
 */
export class Surroundings<I extends EventFields = EventFields> {
  readonly #defaults: EventDefaults;
  /** What the event itself says. */
  protected input: I;
  #context: AuditContext | undefined;

  constructor(input: I, defaults: EventDefaults) {
    this.input = input;
    this.#defaults = defaults;
    this.#context = currentContext();
  }

  /** Turns to another event, so that looking at one that is not recorded allocates nothing. */
  protected turnTo(input: I): void {
    this.input = input;
    this.#context = currentContext();
  }

  /** Holds on to nothing of the event that it was about. */
  protected turnAway(nothing: I): void {
    this.input = nothing;
    this.#context = undefined;
  }

  get tenant(): string {
    return this.input.tenant ?? this.#context?.tenant ?? this.#defaults.tenant;
  }

  get actor(): Party | undefined {
    return this.input.actor ?? this.#context?.actor ?? this.#defaults.actor;
  }

  get related(): AuditEvent['related'] {
    return gathered(this.#context?.related, this.input.related);
  }

  get sourceIp(): string | undefined {
    return this.input.sourceIp ?? this.#context?.sourceIp;
  }

  get correlationId(): string | undefined {
    return this.input.correlationId ?? this.#context?.correlationId;
  }

  /** OpenTelemetry's active span comes last: what was said on purpose wins. */
  get traceId(): string | undefined {
    return this.input.traceId ?? this.#context?.traceId ?? activeTraceId();
  }

  get attributes(): AuditEvent['attributes'] {
    return joined(this.#context?.attributes, this.input.attributes);
  }
}
