import { PathPatterns } from './path-patterns.ts';

/** What holds where an option says nothing. */
export const CHANGES_DEFAULTS = {
  maxChanges: 500,
  maxDepth: 32,
  maxValueBytes: 16_384,
} as const;

export interface ChangesOptions {
  /**
   * What is not compared, with all below it: JSON pointers, with `*` for any name or index
   * (`/sessions/*`), or bare names, which are left out at any depth (`updatedAt`).
   */
  readonly ignore?: readonly string[] | undefined;
  /**
   * The field by which a list's items are told apart, instead of by their index: one for all lists
   * (`'id'`), or by path (`{ '/phones': 'id' }`). Lists whose items lack it, or share one, are
   * compared by index.
   */
  readonly arrays?: string | Readonly<Record<string, string>> | undefined;
  /** 500. */
  readonly maxChanges?: number | undefined;
  /** What lies deeper is compared and told as a whole; 32. */
  readonly maxDepth?: number | undefined;
  /** About how long one old or new value may be as JSON; 16,384. */
  readonly maxValueBytes?: number | undefined;
}

/** Options, ready to be followed. */
export interface ChangesPlan {
  readonly ignored: PathPatterns<true>;
  readonly listKeys: PathPatterns<string>;
  readonly listKey: string | undefined;
  /** Whether paths matter at all. */
  readonly hasPatterns: boolean;
  readonly maxChanges: number;
  readonly maxDepth: number;
  readonly maxValueBytes: number;
}

const NONE: ChangesOptions = {};
const known = new WeakMap<ChangesOptions, ChangesPlan>();

/** Compiled once for each options object: services have one for each kind of record. */
export function planOf(options: ChangesOptions = NONE): ChangesPlan {
  let plan = known.get(options);
  if (plan === undefined) {
    const { ignore = [], arrays = {} } = options;
    plan = {
      ignored: new PathPatterns(ignore.map((pattern) => [pattern, true])),
      listKeys: new PathPatterns(typeof arrays === 'string' ? [] : Object.entries(arrays)),
      listKey: typeof arrays === 'string' ? arrays : undefined,
      hasPatterns: ignore.length > 0 || Object.keys(arrays).length > 0,
      maxChanges: options.maxChanges ?? CHANGES_DEFAULTS.maxChanges,
      maxDepth: options.maxDepth ?? CHANGES_DEFAULTS.maxDepth,
      maxValueBytes: options.maxValueBytes ?? CHANGES_DEFAULTS.maxValueBytes,
    };
    known.set(options, plan);
  }
  return plan;
}
