import type { PolicyStamp, ResolvedEvent } from '../../schemas/index.ts';
import type { EventDefaults } from '../context/surroundings.ts';
import type { AnyInput } from '../stamp.ts';
import type { Verdict } from './compile.ts';
import type { Filtered } from './decision.ts';
import { EventFacts } from './event-facts.ts';

/** An event that is kept: what is stamped on it, and its facts, its id among them. */
interface Admitted {
  readonly kept: true;
  readonly stamp: PolicyStamp;
  readonly facts: EventFacts;
}

/**
 * Asks a verdict about one event. Allocates nothing for what is not kept: the facts of such events
 * are looked up through one object, which turns from one to the next.
 */
export class Decider {
  readonly #defaults: EventDefaults;
  #shared: EventFacts | undefined;

  constructor(defaults: EventDefaults) {
    this.#defaults = defaults;
  }

  decide(verdict: Verdict, definition: ResolvedEvent, input: AnyInput): Filtered | Admitted {
    const { settled } = verdict;
    if (settled?.kept === false) return settled;
    if (settled !== undefined) return this.#admit(definition, input, settled.stamp);

    // While it is in use it is away: the input may have getters that record events themselves.
    const facts = this.#shared?.about(definition, input) ?? this.#facts(definition, input);
    this.#shared = undefined;
    const decision = verdict.decide(facts);
    if (decision.kept) return { kept: true, stamp: decision.stamp, facts };
    this.#shared = facts.release();
    return decision;
  }

  #facts(definition: ResolvedEvent, input: AnyInput): EventFacts {
    return new EventFacts(definition, input, this.#defaults);
  }

  #admit(definition: ResolvedEvent, input: AnyInput, stamp: PolicyStamp): Admitted {
    return { kept: true, stamp, facts: this.#facts(definition, input) };
  }
}
