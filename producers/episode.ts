/** What is said of a bad state: one line in the log when it begins, one when it is over. */
interface Telling {
  begins(): void;
  /** How often it made itself felt, and for how long it lasted. */
  over(count: number, lastedMs: number): void;
}

/** A bad state, however often it is met while it lasts. */
export class Episode {
  readonly #telling: Telling;
  #sinceMs: number | undefined;
  #count = 0;

  constructor(telling: Telling) {
    this.#telling = telling;
  }

  get lasts(): boolean {
    return this.#sinceMs !== undefined;
  }

  met(): void {
    this.#count += 1;
    if (this.#sinceMs !== undefined) return;
    this.#sinceMs = performance.now();
    this.#telling.begins();
  }

  over(): void {
    if (this.#sinceMs === undefined) return;
    const count = this.#count;
    const lastedMs = Math.round(performance.now() - this.#sinceMs);
    this.#sinceMs = undefined;
    this.#count = 0;
    this.#telling.over(count, lastedMs);
  }
}
