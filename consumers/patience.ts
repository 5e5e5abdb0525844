/**
 * How a partition waits for Kafka and ClickHouse: for ever, with pauses that grow, until its session is
 * over. One line says when an outage begins and one when it ends. What waiting does not mend is no
 * outage, and ends the wait at once.
 */
import { backoffMs, pause } from './backoff.ts';
import { classify } from './failure.ts';
import type { RunnerContext } from './runner-context.ts';

/** Thrown when the session is over: whatever is under way is for the partition's next owner. */
export class Fenced extends Error {}

/** Thrown when ClickHouse cannot work before someone changes something. */
export class Misconfigured extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** What is waited for; each counts its own retries. */
type Awaited = 'kafka' | 'clickhouse';

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

  /** Since when something is waited for, in milliseconds since 1970; 0 while nothing is. */
  get outageSince(): number {
    return this.#outageSince;
  }

  /** @throws Fenced when the session is over */
  check(): void {
    if (this.#over.aborted) throw new Fenced();
  }

  /**
   * Asks ClickHouse until there is an answer.
   *
   * @throws Fenced, Misconfigured, and what is a fault of ours
   */
  async until<T>(question: () => Promise<T>): Promise<T> {
    for (;;) {
      this.check();
      try {
        const answer = await question();
        this.relieve();
        return answer;
      } catch (error) {
        const failure = classify(error);
        if (failure.kind === 'bug') throw error;
        if (failure.kind === 'configuration') throw new Misconfigured(failure.error, failure.hint);
        // A question holds no rows: what looks like content is a part of the table that cannot be read.
        await this.wait('clickhouse', failure.error);
      }
    }
  }

  /** After a failure that will pass. */
  async wait(forWhat: Awaited, error: string): Promise<void> {
    const { counters, log } = this.#context;
    counters.retries++;
    if (forWhat === 'kafka') counters.kafkaRetries++;
    else counters.clickhouseRetries++;
    if (this.#outageSince === 0) {
      this.#outageSince = Date.now();
      log.warn(
        { code: 'OUTAGE', partition: this.#partition, of: forWhat, error },
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
      { code: 'OUTAGE_OVER', partition: this.#partition, lastedMs, attempts: this.#attempt },
      'the outage is over',
    );
    this.#outageSince = 0;
    this.#attempt = 0;
  }
}
