import type { LimitKey } from '../../schemas/index.ts';
import type { Facts } from './decision.ts';

/** So many keys have a bucket of their own; those that were asked for longest ago lose theirs. */
const MAX_KEYS = 10_000;

export interface Bucket {
  tokens: number;
  atMs: number;
}

/** What keys are made of: one part, or two that only together name somebody. */
type Part = LimitKey | 'actorType' | 'targetType';

const PARTS: Readonly<Record<LimitKey, readonly Part[]>> = {
  tenant: ['tenant'],
  actor: ['actor', 'actorType'],
  target: ['target', 'targetType'],
  category: ['category'],
  type: ['type'],
};

/** A switch instead of a function for each: whoever is called from one place is not looked up. */
function partOf(facts: Facts, part: Part): string {
  switch (part) {
    case 'tenant':
      return facts.tenant;
    case 'actor':
      return facts.actor?.id ?? '';
    case 'actorType':
      return facts.actor?.type ?? '';
    case 'target':
      return facts.targetId ?? '';
    case 'targetType':
      return facts.targetType ?? '';
    case 'category':
      return facts.subject.category;
    case 'type':
      return facts.subject.type;
  }
}

/** One part of a key, and what may follow it: mostly one thing, for which it needs no map. */
class Branch {
  bucket: Bucket | undefined;
  #firstPart: string | undefined;
  #first: Branch | undefined;
  #others: Map<string, Branch> | undefined;

  at(part: string): Branch | undefined {
    return part === this.#firstPart ? this.#first : this.#others?.get(part);
  }

  grow(part: string): Branch {
    let next = this.at(part);
    if (next !== undefined) return next;
    next = new Branch();
    if (this.#first === undefined) {
      this.#firstPart = part;
      this.#first = next;
    } else {
      this.#others ??= new Map();
      this.#others.set(part, next);
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
    for (const part of this.#parts) branch = branch.grow(partOf(facts, part));
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
      branch = branch.at(partOf(facts, part));
      if (branch === undefined) return undefined;
    }
    return branch.bucket;
  }
}
