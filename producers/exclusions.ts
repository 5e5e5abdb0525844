/** Answers whether a name is among the excluded ones. */
export type NameMatcher = (name: string) => boolean;

const NOTHING: NameMatcher = () => false;

const literal = (text: string): string => text.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&');

/** `app.*` as a regular expression. Runs of stars are one: `a***` must not backtrack three ways. */
const globOf = (pattern: string): RegExp =>
  new RegExp(`^${pattern.split(/\*+/).map(literal).join('.*')}$`, 'su');

/**
 * Names to leave out, each exact or with `*` for any run of characters
 * (`AUDIT_TRAIL_EXCLUDE_ACTIONS`, `AUDIT_TRAIL_EXCLUDE_RESOURCES`).
 *
 * @example
 * const excluded = matcherOf(['health_check', 'gateway.*']);
 * excluded('gateway.tool.invoked'); // true
 */
export function matcherOf(patterns: readonly string[]): NameMatcher {
  if (patterns.length === 0) return NOTHING;
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const globs = patterns.filter((pattern) => pattern.includes('*')).map(globOf);
  return (name) => exact.has(name) || globs.some((glob) => glob.test(name));
}
