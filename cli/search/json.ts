import { safeText } from '../safe-text.ts';

/**
 * JSON on one line that a terminal only shows: what it would obey stands as `\u` escapes, which
 * programs read as the same characters.
 */
export const safeJson = (value: unknown): string =>
  // Within JSON text such characters stand in strings alone, where the escape means the same.
  safeText(JSON.stringify(value));
