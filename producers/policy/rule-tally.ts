/** How many events one rule, or one of the policy's own limits, did not let pass. */
export interface RuleTally {
  filtered: number;
}

/** One for each rule by its id. They outlive a change of the policy, as the ledger's counters do. */
export class RuleTallies {
  readonly #byRule = new Map<string, RuleTally>();

  of(rule: string): RuleTally {
    let tally = this.#byRule.get(rule);
    if (tally === undefined) {
      tally = { filtered: 0 };
      this.#byRule.set(rule, tally);
    }
    return tally;
  }

  /** By rule; those that let everything pass are left out. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(
      [...this.#byRule]
        .filter(([, { filtered }]) => filtered > 0)
        .map(([rule, { filtered }]) => [rule, filtered]),
    );
  }
}
