import { MAX_LABEL_LENGTH } from './wire-values.ts';

/** The fields that are cut to fit a message into its limit; all else is short by its own limits. */
export const FREE_FIELDS = [
  'execution',
  'data',
  'changes',
  'related',
  'message',
  'attributes',
] as const;
export type FreeField = (typeof FREE_FIELDS)[number];

/** What each kind of field may have: labels and texts in characters, free fields in bytes of JSON. */
export type Limits = Readonly<Record<FreeField | 'label' | 'text', number>>;

const same = (characters: number): Record<FreeField, number> => ({
  execution: characters,
  data: characters,
  changes: characters,
  related: characters,
  message: characters,
  attributes: characters,
});

/** Where every event starts: no single field can be larger than the whole message. */
export const FULL: Limits = { label: MAX_LABEL_LENGTH, text: 8192, ...same(262_144) };

/** Where no event fails: even if every character takes six bytes, it fits several times over. */
export const SMALLEST: Limits = { label: 128, text: 512, ...same(1024) };

/**
 * The limits under which the free fields share what room there is: the largest are cut, to one
 * size, and what is smaller than that stays whole.
 */
export function sharedLimits(
  sizes: Readonly<Record<FreeField, number>>,
  availableBytes: number,
): Limits {
  const limits = { ...FULL };
  const ascending = FREE_FIELDS.toSorted((a, b) => sizes[a] - sizes[b]);
  let left = Math.max(0, availableBytes);
  for (const [index, field] of ascending.entries()) {
    const bytes = sizes[field];
    const share = left / (ascending.length - index);
    if (bytes > share) limits[field] = Math.floor(share);
    left -= Math.min(bytes, share);
  }
  return limits;
}
