import type { Operation, Outcome } from '../../schemas/index.ts';
import { builtInCatalog } from '../emit/built-in-catalog.ts';

/** Signs that every terminal font draws two cells wide, for the icons (https://lucide.dev) of catalogs. */
const SIGNS: Readonly<Record<string, string>> = {
  archive: '📁',
  box: '📦',
  'contact-round': '👤',
  globe: '🌐',
  'hard-drive-download': '💾',
  'key-round': '🔑',
  rocket: '🚀',
  'scroll-text': '📜',
  server: '💻',
  shield: '🔒',
  users: '👥',
  waypoints: '🔀',
};
const OWN: Readonly<Record<string, string>> = { ledger: '📜', cloud: '🌐', kubernetes: '🚢' };
const ANY = '📄';

/** A category's sign; categories of other catalogs share one. */
export function categoryIcon(category: string): string {
  const icon = builtInCatalog.categories.get(category)?.icon;
  return (Object.hasOwn(OWN, category) ? OWN[category] : SIGNS[icon ?? '']) ?? ANY;
}

export const OUTCOME_SIGNS: Readonly<Record<Outcome, string>> = {
  success: '✓',
  failure: '✗',
  denied: '⊘',
  unknown: '?',
};

export const OPERATION_SIGNS: Readonly<Record<Operation, string>> = {
  unknown: ' ',
  create: '+',
  read: '·',
  update: '~',
  delete: '-',
  execute: '>',
  export: '^',
};
