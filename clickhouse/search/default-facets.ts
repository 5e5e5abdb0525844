/** What events are counted by where nobody says. */
export const DEFAULT_FACETS: readonly string[] = [
  'category',
  'type',
  'actor',
  'target.type',
  'outcome',
  'severity',
  'service',
];
