/** Offsets from `first` to `last`, both included. */
export interface OffsetRange {
  readonly first: number;
  readonly last: number;
}

/** The ranges that a set of offsets makes, ascending. */
export function rangesOf(offsets: Iterable<number>): OffsetRange[] {
  const sorted = [...offsets].sort((a, b) => a - b);
  const ranges: OffsetRange[] = [];
  for (let i = 0; i < sorted.length;) {
    const first = sorted[i] as number;
    let last = first;
    while (++i < sorted.length && (sorted[i] as number) <= last + 1) last = sorted[i] as number;
    ranges.push({ first, last });
  }
  return ranges;
}

/**
 * A set of offsets as text, small enough for Kafka's offset metadata (4,096 bytes at most):
 * ascending ranges, relative to a base, in base 36. `0-2.5.9` is base, base+1, base+2, base+5, base+9.
 */
export function encodeOffsets(offsets: Iterable<number>, base: number): string {
  return rangesOf(offsets)
    .map(({ first, last }) => {
      const from = (first - base).toString(36);
      return first === last ? from : `${from}-${(last - base).toString(36)}`;
    })
    .join('.');
}

/** The inverse of {@link encodeOffsets}; `undefined` when `text` is not of that form. */
export function decodeOffsets(text: string, base: number): number[] | undefined {
  if (text === '') return [];
  const offsets: number[] = [];
  let previous = -1;
  for (const part of text.split('.')) {
    const match = /^([0-9a-z]{1,11})(?:-([0-9a-z]{1,11}))?$/.exec(part);
    if (!match) return undefined;
    const first = Number.parseInt(match[1] as string, 36);
    const last = match[2] === undefined ? first : Number.parseInt(match[2], 36);
    if (last < first || first <= previous || !Number.isSafeInteger(base + last)) return undefined;
    // An intent covers at most a batch: more is damage, and expanding it would be costly.
    if (offsets.length + last - first >= MAX_OFFSETS) return undefined;
    previous = last;
    for (let offset = first; offset <= last; offset++) offsets.push(base + offset);
  }
  return offsets;
}

const MAX_OFFSETS = 10_000_000;
