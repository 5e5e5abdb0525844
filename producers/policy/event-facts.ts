import { uuidv7, type ResolvedEvent, type Severity } from '../../schemas/index.ts';
import { Surroundings, type EventDefaults } from '../context/surroundings.ts';
import type { AnyInput } from '../stamp.ts';
import type { Facts } from './decision.ts';

/** The facts of an event that is about to be recorded, found out when they are asked for. */
export class EventFacts extends Surroundings<AnyInput> implements Facts {
  #subject: ResolvedEvent;
  #id: string | undefined;

  constructor(definition: ResolvedEvent, input: AnyInput, defaults: EventDefaults) {
    super(input, defaults);
    this.#subject = definition;
  }

  /** Turns to another event. */
  about(definition: ResolvedEvent, input: AnyInput): this {
    this.turnTo(input);
    this.#subject = definition;
    this.#id = undefined;
    return this;
  }

  /** Holds on to nothing of the event it was about. */
  release(): this {
    this.turnAway(NOTHING);
    return this;
  }

  get subject(): ResolvedEvent {
    return this.#subject;
  }

  get severity(): Severity {
    return this.input.severity ?? this.#subject.severity;
  }

  get targetType(): string | undefined {
    return this.input.target?.type ?? this.#subject.target;
  }

  get targetId(): string | undefined {
    return this.input.target?.id;
  }

  /** Made here when the caller gave none: sampling must see the id that is then recorded. */
  get id(): string {
    this.#id ??= this.input.id ?? uuidv7();
    return this.#id;
  }
}

const NOTHING: AnyInput = Object.freeze({});
