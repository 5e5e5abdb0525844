import type { LimitKey } from '../../schemas/index.ts';
import type { Facts } from './decision.ts';

/** So many keys have a bucket of their own; those that were asked for longest ago lose theirs. */
const MAX_KEYS = 10_000;

export interface Bucket {
  tokens: number;
  atMs: number;
}

type Part = (facts: Facts) => string;

const PARTS: Readonly<Record<LimitKey, readonly Part[]>> = {
  tenant: [({ tenant }) => tenant],
  actor: [({ actor }) => actor?.type ?? '', ({ actor }) => actor?.id ?? ''],
  target: [({ targetType = '' }) => targetType, ({ targetId = '' }) => targetId],
  category: [({ subject }) => subject.category],
  type: [({ subject }) => subject.type],
};

/** One part of a key, and what may follow it. */
class Branch {
  bucket: Bucket | undefined;
  #next: Map<string, Branch> | undefined;

  at(part: string): Branch | undefined {
    return this.#next?.get(part);
  }

  grow(part: string): Branch {
    this.#next ??= new Map();
    let next = this.#next.get(part);
    if (next === undefined) {
      next = new Branch();
      this.#next.set(part, next);
    }
    return next;
  }
}

/**
 * A bucket for each key. Keys are walked part by part instead of being put together, so that
 * finding a bucket allocates nothing. Two generations bound them: when the younger one is full, it
 * becomes the older, and what was in that one and never asked for again is let go.
 */
export class Buckets {
  readonly #parts: readonly Part[];
  #recent = new Branch();
  #recentKeys = 0;
  #older = new Branch();
  #olderKeys = 0;

  constructor(per: readonly LimitKey[]) {
    this.#parts = [...new Set(per)].flatMap((key) => PARTS[key]);
  }

  /** How many there are at most: those found in both generations count twice. */
  get size(): number {
    return this.#recentKeys + this.#olderKeys;
  }

  find(facts: Facts): Bucket | undefined {
    return this.#in(this.#recent, facts) ?? this.#revived(facts);
  }

  add(facts: Facts, bucket: Bucket): void {
    if (this.#recentKeys >= MAX_KEYS / 2) {
      this.#older = this.#recent;
      this.#olderKeys = this.#recentKeys;
      this.#recent = new Branch();
      this.#recentKeys = 0;
    }
    let branch = this.#recent;
    for (const part of this.#parts) branch = branch.grow(part(facts));
    branch.bucket = bucket;
    this.#recentKeys += 1;
  }

  #revived(facts: Facts): Bucket | undefined {
    const bucket = this.#in(this.#older, facts);
    if (bucket !== undefined) this.add(facts, bucket);
    return bucket;
  }

  #in(root: Branch, facts: Facts): Bucket | undefined {
    let branch: Branch | undefined = root;
    for (const part of this.#parts) {
      branch = branch.at(part(facts));
      if (branch === undefined) return undefined;
    }
    return branch.bucket;
  }
}
