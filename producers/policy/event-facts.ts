import { uuidv7, type Party, type ResolvedEvent, type Severity } from '../../schemas/index.ts';
import type { Surroundings } from '../context/surroundings.ts';
import type { AnyInput } from '../stamp.ts';
import type { Facts } from './decision.ts';

/** The facts of an event that is about to be recorded, found out when they are asked for. */
export class EventFacts implements Facts {
  readonly subject: ResolvedEvent;
  readonly #input: AnyInput;
  readonly around: Surroundings;
  #id: string | undefined;

  constructor(definition: ResolvedEvent, input: AnyInput, around: Surroundings) {
    this.subject = definition;
    this.#input = input;
    this.around = around;
  }

  get severity(): Severity {
    return this.#input.severity ?? this.subject.severity;
  }

  get tenant(): string {
    return this.around.tenant;
  }

  get actor(): Party | undefined {
    return this.around.actor;
  }

  get targetType(): string | undefined {
    return this.#input.target?.type ?? this.subject.target;
  }

  get targetId(): string | undefined {
    return this.#input.target?.id;
  }

  get correlationId(): string | undefined {
    return this.around.correlationId;
  }

  get traceId(): string | undefined {
    return this.around.traceId;
  }

  /** Made here when the caller gave none: sampling must see the id that is then recorded. */
  get id(): string {
    this.#id ??= this.#input.id ?? uuidv7();
    return this.#id;
  }
}
