const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** When to try PostgreSQL again: after 100 ms, then twice as long each time, up to 5 s. */
export class RelayBackoff {
  #delayMs = 0;
  #failingSinceMs: number | undefined;

  /** Answers whether it is the first failure since it worked. */
  failed(): boolean {
    const first = this.#failingSinceMs === undefined;
    this.#failingSinceMs ??= performance.now();
    return first;
  }

  /** How long to wait before the next attempt. */
  nextMs(): number {
    this.#delayMs = Math.min(Math.max(this.#delayMs * 2, FIRST_DELAY_MS), LONGEST_DELAY_MS);
    return this.#delayMs;
  }

  /** It works. Answers for how long it did not, where it did not. */
  succeeded(): number | undefined {
    const since = this.#failingSinceMs;
    this.#delayMs = 0;
    this.#failingSinceMs = undefined;
    return since === undefined ? undefined : Math.round(performance.now() - since);
  }
}
