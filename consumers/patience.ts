/**
 * How a partition waits for Kafka and ClickHouse: for ever, with pauses that grow, until its session is
 * over. One line says when an outage begins and one when it ends.
 */
import { backoffMs, pause } from './backoff.ts';
import { classify } from './failure.ts';
import type { Outcome } from './partition.ts';
import type { RunnerContext } from './runner-context.ts';

/** Thrown when the session is over: whatever is under way is for the partition's next owner. */
export class Fenced extends Error {}

export class Patience {
  readonly #partition: number;
  readonly #context: Pick<RunnerContext, 'counters' | 'log'>;
  readonly #over: AbortSignal;
  #attempt = 0;
  #outageSince = 0;

  constructor(
    partition: number,
    context: Pick<RunnerContext, 'counters' | 'log'>,
    over: AbortSignal,
  ) {
    this.#partition = partition;
    this.#context = context;
    this.#over = over;
  }

  /** @throws Fenced when the session is over */
  check(): void {
    if (this.#over.aborted) throw new Fenced();
  }

  /** Asks until there is an answer; what the configuration stands in the way of is an answer too. */
  ask(question: () => Promise<Outcome>): Promise<Outcome> {
    return this.until(question, (error) => ({ kind: 'misconfigured', error }));
  }

  /** The same for any question; without `misconfigured` a wrong configuration is waited for as well. */
  async until<T>(question: () => Promise<T>, misconfigured?: (error: string) => T): Promise<T> {
    for (;;) {
      this.check();
      try {
        const answer = await question();
        this.relieve();
        return answer;
      } catch (error) {
        const failure = classify(error);
        if (failure.kind === 'configuration' && misconfigured) return misconfigured(failure.error);
        await this.wait('error' in failure ? failure.error : failure.kind);
      }
    }
  }

  /** After a failure that will pass. */
  async wait(error: string): Promise<void> {
    this.#context.counters.retries++;
    if (this.#outageSince === 0) {
      this.#outageSince = Date.now();
      this.#context.log.warn(
        { partition: this.#partition, error },
        'waiting for an outage to end; nothing is dropped',
      );
    }
    await pause(backoffMs(this.#attempt++), this.#over);
  }

  /** Something went well again. */
  relieve(): void {
    if (this.#outageSince === 0) return;
    const lastedMs = Date.now() - this.#outageSince;
    this.#context.log.info(
      { partition: this.#partition, lastedMs, attempts: this.#attempt },
      'the outage is over',
    );
    this.#outageSince = 0;
    this.#attempt = 0;
  }
}
