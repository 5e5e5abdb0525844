/**
 * Asks a question again and again in the background, one at a time and each with a deadline, and keeps
 * the last answer: so that however often health or metrics are asked for, the cost stays the same.
 */
import { beforeDeadline } from '../deadline.ts';

export interface SurveyOptions<T> {
  readonly ask: () => Promise<T>;
  readonly everyMs: number;
  /** Of one question; what comes later counts as no answer. */
  readonly deadlineMs: number;
}

export class Survey<T> {
  readonly #options: SurveyOptions<T>;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #latest: T | undefined;
  #problem: string | undefined = 'was not asked yet';

  constructor(options: SurveyOptions<T>) {
    this.#options = options;
  }

  /** The last answer, however old. */
  get latest(): T | undefined {
    return this.#latest;
  }

  /** Why the last question had no answer; `undefined` when it had one. */
  get problem(): string | undefined {
    return this.#problem;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#ask(), this.#options.everyMs).unref();
    void this.#ask();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const question = this.#options.ask();
    try {
      this.#latest = await beforeDeadline(question, this.#options.deadlineMs);
      this.#problem = undefined;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      // One that is late has to end before the next is asked.
      await question.catch(() => undefined);
    } finally {
      this.#running = false;
    }
  }
}
