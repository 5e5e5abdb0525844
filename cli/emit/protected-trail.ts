import { PROTECTED_CATEGORIES } from '../../schemas/index.ts';

const PROTECTED = new Set<string>(PROTECTED_CATEGORIES);
const LONG_CLASSES = new Set(['protected', 'archive']);

/** The table's own rule: no producer can shorten a protected category's trail. */
export const mayBeKeptAs = (category: string, retentionClass: string): boolean =>
  !PROTECTED.has(category) || LONG_CLASSES.has(retentionClass);

export const keptLonger = (category: string): string =>
  `the category "${category}" is kept as "protected" or "archive"`;
