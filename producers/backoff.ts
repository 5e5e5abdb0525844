const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** When to try again: after 100 ms, then twice as long each time, up to 5 s. */
export class Backoff {
  #delayMs = 0;
  /** On the caller's clock; 0 while nothing has failed. */
  readyAtMs = 0;

  get failing(): boolean {
    return this.#delayMs > 0;
  }

  failed(nowMs: number): void {
    this.#delayMs = Math.min(Math.max(this.#delayMs * 2, FIRST_DELAY_MS), LONGEST_DELAY_MS);
    this.readyAtMs = nowMs + this.#delayMs;
  }

  succeeded(): void {
    this.#delayMs = 0;
    this.readyAtMs = 0;
  }
}
