import type { Limit, LimitKey } from '../../schemas/index.ts';
import type { Facts } from './decision.ts';

/** So many keys have a bucket of their own; those that were asked for longest ago lose theirs. */
const MAX_KEYS = 10_000;

/** Milliseconds of a clock that is never set back. */
export type ElapsedMs = () => number;

interface Bucket {
  tokens: number;
  atMs: number;
}

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
  readonly #keyOf: (facts: Facts) => string;
  readonly #tokensPerMs: number;
  readonly #elapsedMs: ElapsedMs;
  #recent = new Map<string, Bucket>();
  #older = new Map<string, Bucket>();
  #shedding: Shedding | undefined;

  constructor(name: string, limit: Limit, elapsedMs: ElapsedMs = () => performance.now()) {
    this.name = name;
    this.limit = limit;
    this.#keyOf = keyOf(limit.per ?? []);
    this.#tokensPerMs = limit.events / (limit.seconds * 1000);
    this.#elapsedMs = elapsedMs;
  }

  /** Takes a token for the event; false when its key has none. */
  admits(facts: Facts): boolean {
    const nowMs = this.#elapsedMs();
    const bucket = this.#bucketOf(this.#keyOf(facts), nowMs);
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
    return this.#recent.size + this.#older.size;
  }

  #shed(nowMs: number): void {
    this.#shedding ??= { sinceMs: nowMs, lastMs: nowMs, events: 0 };
    this.#shedding.lastMs = nowMs;
    this.#shedding.events += 1;
  }

  #bucketOf(key: string, nowMs: number): Bucket {
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    const bucket = this.#older.get(key) ?? { tokens: this.limit.events, atMs: nowMs };
    if (this.#recent.size >= MAX_KEYS / 2) {
      this.#older = this.#recent;
      this.#recent = new Map();
    } else {
      this.#older.delete(key);
    }
    this.#recent.set(key, bucket);
    return bucket;
  }
}

const PARTS: Readonly<Record<LimitKey, (facts: Facts) => string>> = {
  tenant: ({ tenant }) => tenant,
  actor: ({ actor }) => (actor === undefined ? '' : `${actor.type}\0${actor.id}`),
  target: ({ targetType = '', targetId = '' }) => `${targetType}\0${targetId}`,
  category: ({ subject }) => subject.category,
  type: ({ subject }) => subject.type,
};

function keyOf(per: readonly LimitKey[]): (facts: Facts) => string {
  const [first, ...more] = [...new Set(per)].map((key) => PARTS[key]);
  if (first === undefined) return () => '';
  if (more.length === 0) return first;
  return (facts) => more.reduce((key, part) => `${key}\0${part(facts)}`, first(facts));
}
