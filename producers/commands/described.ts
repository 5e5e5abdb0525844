import type { AnyInput } from '../stamp.ts';

/** An event's input, or how to make it of what came of the call. */
export type Described<I, Call> = I | ((call: Call) => I);

/** How a call ended, as its event says it where its input does not. */
interface Ending {
  readonly outcome: AnyInput['outcome'];
  readonly error: AnyInput['error'];
  readonly execution?: AnyInput['execution'];
}

/**
 * The input of a call's event. Never throws: a description that does becomes an input that cannot
 * be read, and so an event that is rejected, counted and logged like any other invalid one.
 */
export function describedAs<Call>(
  describe: Described<AnyInput, Call>,
  call: Call,
  ending: Ending,
): AnyInput {
  try {
    const input = typeof describe === 'function' ? describe(call) : describe;
    const { execution = input.execution } = ending;
    const { outcome = ending.outcome, error = ending.error } = input;
    return { ...input, outcome, error, execution };
  } catch (cause) {
    return {
      get outcome(): never {
        throw cause;
      },
    };
  }
}
