import { settlesWithin } from '../deadline.ts';

/**
 * What was said in a context and is on its way to Kafka, for whoever waits for it: the middleware
 * of a ledger that is not asynchronous, before its response ends.
 */
export class Deliveries {
  readonly #pending = new Set<Promise<unknown>>();

  get none(): boolean {
    return this.#pending.size === 0;
  }

  add(delivered: Promise<unknown>): void {
    this.#pending.add(delivered);
    const settled = (): void => void this.#pending.delete(delivered);
    delivered.then(settled, settled);
  }

  /** Resolves once all that is pending now has settled, or at the deadline: true or false. */
  settled(timeoutMs: number): Promise<boolean> {
    return settlesWithin(Promise.allSettled(this.#pending), timeoutMs);
  }
}
