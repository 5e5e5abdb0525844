/**
 * The engine's clock, as the worker last saw it, and what it means for the table's retention classes. Leases run by the
 * engine's clock, because it is the engine that checks them.
 */
import { daysInForce } from '../clickhouse/retention/classes.ts';
import { readRetentionState } from '../clickhouse/retention/retention.ts';
import type { ClickHouse } from '../clickhouse/index.ts';
import type { Expiry } from './judge.ts';
import type { LedgerSink } from './ledger-sink.ts';

const REFRESH_MS = 60_000;

export class ExpiryClock {
  readonly #clickhouse: ClickHouse;
  readonly #sink: LedgerSink;
  #skewMs = 0;
  #refreshedAt = 0;
  #refreshing = false;

  constructor(clickhouse: ClickHouse, sink: LedgerSink) {
    this.#clickhouse = clickhouse;
    this.#sink = sink;
  }

  /** Milliseconds since 1970 by the engine's clock. */
  now(): number {
    return Date.now() + this.#skewMs;
  }

  /** What decides about expiry just now: asked on the slow path alone, so asked afresh. */
  async expiry(): Promise<Expiry> {
    const days = daysInForce(await readRetentionState(this.#clickhouse));
    return {
      nowMs: this.now(),
      daysOf: (name) => days[name],
    };
  }

  async refresh(): Promise<void> {
    this.#skewMs = await this.#sink.clockSkewMs(() => Date.now());
    this.#refreshedAt = Date.now();
  }

  /** In the background; a failure leaves the last values, and the next call tries again. */
  refreshWhenStale(): void {
    if (this.#refreshing || Date.now() - this.#refreshedAt < REFRESH_MS) return;
    this.#refreshing = true;
    this.#refreshedAt = Date.now();
    void this.refresh()
      .catch(() => undefined)
      .finally(() => {
        this.#refreshing = false;
      });
  }
}
