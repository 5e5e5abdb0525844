import type { Limit } from '../../schemas/index.ts';
import { Buckets } from './buckets.ts';
import { burstClock, type ElapsedMs } from './burst-clock.ts';
import type { Facts } from './decision.ts';

/** A limit that turns events away: since when, how many, and when last. */
export interface Shedding {
  readonly sinceMs: number;
  lastMs: number;
  events: number;
}

/**
 * A token bucket for each key: it holds as many tokens as the limit has events, is full at first,
 * and fills again within the limit's seconds. Bounded in keys: a key whose bucket was let go begins
 * with a full one.
 */
export class RateLimit {
  readonly name: string;
  readonly limit: Limit;
  readonly #buckets: Buckets;
  readonly #tokensPerMs: number;
  readonly #elapsedMs: ElapsedMs;
  #shedding: Shedding | undefined;

  constructor(name: string, limit: Limit, elapsedMs: ElapsedMs = burstClock()) {
    this.name = name;
    this.limit = limit;
    this.#buckets = new Buckets(limit.per ?? []);
    this.#tokensPerMs = limit.events / (limit.seconds * 1000);
    this.#elapsedMs = elapsedMs;
  }

  /** Takes a token for the event; false when its key has none. */
  admits(facts: Facts): boolean {
    const nowMs = this.#elapsedMs();
    const bucket = this.#buckets.find(facts);
    if (bucket === undefined) {
      this.#buckets.add(facts, { tokens: this.limit.events - 1, atMs: nowMs });
      return true;
    }
    const refilled = bucket.tokens + (nowMs - bucket.atMs) * this.#tokensPerMs;
    bucket.tokens = refilled > this.limit.events ? this.limit.events : refilled;
    bucket.atMs = nowMs;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return true;
    }
    this.#shed(nowMs);
    return false;
  }

  /** What it turns away at the moment; undefined while it lets everything pass. */
  get shedding(): Readonly<Shedding> | undefined {
    return this.#shedding;
  }

  /** It has calmed down: what comes next is another time. */
  settle(): void {
    this.#shedding = undefined;
  }

  /** How many keys have a bucket: at most 10,000. */
  get keys(): number {
    return this.#buckets.size;
  }

  #shed(nowMs: number): void {
    this.#shedding ??= { sinceMs: nowMs, lastMs: nowMs, events: 0 };
    this.#shedding.lastMs = nowMs;
    this.#shedding.events += 1;
  }
}
