/**
 * The engine's clock, as the worker last saw it, and what it means for the table's retention classes. Leases run by the
 * engine's clock, because it is the engine that checks them. It is told from the time that has passed since, which
 * setting this machine's clock does not change.
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
  /** How far the engine's clock is ahead of ours that only ever runs. */
  #aheadMs = Date.now() - performance.now();
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #refreshing = false;

  constructor(clickhouse: ClickHouse, sink: LedgerSink) {
    this.#clickhouse = clickhouse;
    this.#sink = sink;
  }

  /** Milliseconds since 1970 by the engine's clock. */
  now(): number {
    return performance.now() + this.#aheadMs;
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
    this.#aheadMs = await this.#sink.clockSkewMs(() => performance.now());
    this.#refreshedAt = performance.now();
  }

  /** In the background; a failure leaves the last values, and the next call tries again. */
  refreshWhenStale(): void {
    if (this.#refreshing || performance.now() - this.#refreshedAt < REFRESH_MS) return;
    this.#refreshing = true;
    this.#refreshedAt = performance.now();
    void this.refresh()
      .catch(() => undefined)
      .finally(() => {
        this.#refreshing = false;
      });
  }
}
