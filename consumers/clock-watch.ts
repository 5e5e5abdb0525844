/** Notices when somebody sets this machine's clock, which whatever measures time by it does not. */
export class ClockWatch {
  /** Of the clock, beside the time that only ever runs. */
  #aheadMs = ahead();

  /** By how much the clock was set back since the last question; zero or less where it was not. */
  setBackMs(): number {
    const before = this.#aheadMs;
    this.#aheadMs = ahead();
    return before - this.#aheadMs;
  }
}

const ahead = (): number => Date.now() - performance.now();
