/** Answers whether a name is among those meant. */
export type NameMatcher = (name: string) => boolean;

const NOTHING: NameMatcher = () => false;

/**
 * Names, each exact or with `*` for any run of characters.
 *
 * @example
 * const excluded = matcherOf(['health_check', 'gateway.*']);
 * excluded('gateway.tool.invoked'); // true
 */
export function matcherOf(patterns: readonly string[]): NameMatcher {
  let matcher = MADE.get(patterns);
  if (matcher === undefined) {
    matcher = made(patterns);
    MADE.set(patterns, matcher);
  }
  return matcher;
}

/** A policy's lists are asked for once for each type and outcome. */
const MADE = new WeakMap<readonly string[], NameMatcher>();

function made(patterns: readonly string[]): NameMatcher {
  if (patterns.length === 0) return NOTHING;
  const exact = new Set(patterns.filter((pattern) => !isGlob(pattern)));
  const globs = patterns.filter(isGlob).map(globMatcher);
  if (globs.length === 0) return (name) => exact.has(name);
  return (name) => {
    // No callback, which would be allocated for every event that a rule looks at.
    for (let at = 0; at < globs.length; at += 1) if (globs[at]?.(name)) return true;
    return exact.has(name);
  };
}

export const isGlob = (pattern: string): boolean => pattern.includes('*');

/**
 * Takes each piece at its first place, which is always right where `*` is the only wildcard: linear,
 * while a regular expression would try `*a*a*a*b` against what an attacker sends in every way.
 */
function globMatcher(pattern: string): NameMatcher {
  const [first = '', ...rest] = pattern.split(/\*+/);
  const last = rest.pop() ?? '';
  return (name) => {
    if (!name.startsWith(first)) return false;
    let at = first.length;
    for (const piece of rest) {
      const found = name.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return name.length - last.length >= at && name.endsWith(last);
  };
}

/**
 * Whether everything that `narrow` matches, `wide` matches too. A star of `narrow` is taken for a
 * character that only stars of `wide` can match: what that answers yes to is true; it may miss some.
 */
export const covers = (wide: readonly string[], narrow: readonly string[]): boolean => {
  const matches = matcherOf(wide);
  return narrow.every((pattern) => wide.includes(pattern) || matches(pattern));
};
