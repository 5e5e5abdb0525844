import { namesOf } from '../json-pointer.ts';

interface PatternNode<T> {
  readonly named: Map<string, PatternNode<T>>;
  any: PatternNode<T> | undefined;
  value: T | undefined;
}

/** How far the patterns have been followed on the way to a place; empty: none leads further. */
export type Place<T> = readonly PatternNode<T>[];

const newNode = <T>(): PatternNode<T> => ({ named: new Map(), any: undefined, value: undefined });

/**
 * Values by path: JSON pointers in which a name may be `*`, for any name or index; and bare names,
 * which mean that member at any depth.
 */
export class PathPatterns<T> {
  readonly root: Place<T>;
  readonly #anywhere = new Map<string, T>();

  constructor(patterns: Iterable<readonly [pattern: string, value: T]>) {
    const root = newNode<T>();
    for (const [pattern, value] of patterns) {
      const names = namesOf(pattern);
      if (names === undefined) this.#anywhere.set(pattern, value);
      else follow(root, names).value = value;
    }
    this.root =
      root.named.size === 0 && root.any === undefined && root.value === undefined ? [] : [root];
  }

  /** The place of a member. */
  step(place: Place<T>, name: string): Place<T> {
    if (place.length === 0) return place;
    return place.flatMap(({ named, any }) => {
      const exact = named.get(name);
      return exact === undefined ? (any ?? []) : any === undefined ? exact : [exact, any];
    });
  }

  /** What the patterns say of a member. */
  valueOf(place: Place<T>, name: string): T | undefined {
    for (const { value } of this.step(place, name)) if (value !== undefined) return value;
    return this.#anywhere.get(name);
  }

  /** What they say of the whole. */
  get ofRoot(): T | undefined {
    return this.root[0]?.value;
  }
}

function follow<T>(root: PatternNode<T>, names: readonly string[]): PatternNode<T> {
  let node = root;
  for (const name of names) {
    let next = name === '*' ? node.any : node.named.get(name);
    if (next === undefined) {
      next = newNode();
      if (name === '*') node.any = next;
      else node.named.set(name, next);
    }
    node = next;
  }
  return node;
}
