import { nearestName } from '../../schemas/names.ts';
import { OPERATIONS, OUTCOMES, SEVERITIES } from '../../schemas/vocabulary.ts';
import type {
  Condition,
  Edge,
  EnumColumn,
  NumberColumn,
  TextSource,
  TimeColumn,
  UuidColumn,
} from './condition.ts';
import { addressRange } from './network.ts';
import { isAnything, patternOf } from './pattern.ts';
import { QueryError, type Span } from './query-error.ts';
import { boundsOf, refuseComparison } from './ranges.ts';
import { type Comparison, plainText, type Written } from './syntax.ts';
import { type Clock, type When, whenOf } from './when.ts';

const VOCABULARIES: Readonly<Record<EnumColumn, Readonly<Record<string, number>>>> = {
  operation: OPERATIONS,
  outcome: OUTCOMES,
  severity: SEVERITIES,
};

/** @throws QueryError for a word that is not in the column's vocabulary */
export function wordCondition(
  { column, ordered }: { readonly column: EnumColumn; readonly ordered: boolean },
  written: Written,
  comparison: Comparison | undefined,
): Condition {
  const all = Object.keys(VOCABULARIES[column]);
  const words = (from: number, to: number): Condition => ({
    kind: 'word',
    column,
    words: all.slice(Math.max(0, from), to + 1),
  });
  if (isAnything(patternOf(written))) {
    return { kind: 'word', column, words: all.filter((word) => word !== 'unknown') };
  }
  if (!ordered) {
    refuseComparison(comparison, written);
    const index = wordIndex(column, all, written);
    return words(index, index);
  }
  const bounds = boundsOf(written);
  if (bounds.kind === 'range') {
    refuseComparison(comparison, written);
    const from = bounds.from ? wordIndex(column, all, bounds.from) : 0;
    return words(from, bounds.to ? wordIndex(column, all, bounds.to) : all.length);
  }
  const index = wordIndex(column, all, written);
  switch (comparison) {
    case undefined:
      return words(index, index);
    case '>':
      return words(index + 1, all.length);
    case '>=':
      return words(index, all.length);
    case '<':
      return words(0, index - 1);
    case '<=':
      return words(0, index);
  }
}

function wordIndex(column: string, all: readonly string[], written: Written): number {
  const word = plainText(written).toLowerCase();
  const index = all.indexOf(word);
  if (index >= 0) return index;
  // Half a word is enough where it can mean one only: severity:info.
  const begun = all.filter((one) => word.length > 1 && one.startsWith(word));
  if (begun.length === 1) return all.indexOf(begun[0] as string);
  const nearest = nearestName(word.slice(0, 64), all);
  throw new QueryError(
    `no such ${column}`,
    written,
    `${nearest === undefined ? '' : `Did you mean ${nearest}? `}It is one of ${all.join(', ')}.`,
  );
}

/** @throws QueryError for what is no time */
export function timeCondition(
  { column, bound }: { readonly column: TimeColumn; readonly bound?: 'since' | 'until' },
  written: Written,
  comparison: Comparison | undefined,
  clock: Clock,
): Condition {
  const read = (value: Written): When => whenOf(plainText(value), value, clock);
  if (bound !== undefined) {
    refuseComparison(comparison, written);
    const when = read(written);
    return bound === 'since'
      ? { kind: 'time', column, from: when.start }
      : { kind: 'time', column, before: behind(when) };
  }
  if (isAnything(patternOf(written))) return { kind: 'time', column };
  const bounds = boundsOf(written);
  if (bounds.kind === 'range') {
    refuseComparison(comparison, written);
    return {
      kind: 'time',
      column,
      ...(bounds.from ? { from: read(bounds.from).start } : {}),
      ...(bounds.to ? { before: behind(read(bounds.to)) } : {}),
    };
  }
  const when = read(written);
  // An instant (`now`, `7d`) is one microsecond long where it is compared with.
  const end = Math.max(when.end, when.start + 1);
  switch (comparison) {
    case undefined:
      return { kind: 'time', column, from: when.start, before: end };
    case '>':
      return { kind: 'time', column, from: end };
    case '>=':
      return { kind: 'time', column, from: when.start };
    case '<':
      return { kind: 'time', column, before: when.start };
    case '<=':
      return { kind: 'time', column, before: end };
  }
}

/** Up to and with a date; up to a time of day. */
const behind = (when: When): number => (when.isDate ? when.end : when.start);

/** @throws QueryError for what is no number */
export function numberCondition(
  source:
    { readonly in: 'column'; readonly column: NumberColumn } | Extract<TextSource, { in: 'json' }>,
  written: Written,
  comparison: Comparison | undefined,
): Condition {
  const edge = (value: Written, inclusive = true): Edge => ({ value: numberOf(value), inclusive });
  if (isAnything(patternOf(written))) return { kind: 'number', source };
  const bounds = boundsOf(written);
  if (bounds.kind === 'range') {
    refuseComparison(comparison, written);
    return {
      kind: 'number',
      source,
      ...(bounds.from ? { from: edge(bounds.from) } : {}),
      ...(bounds.to ? { to: edge(bounds.to) } : {}),
    };
  }
  switch (comparison) {
    case undefined:
      return { kind: 'number', source, from: edge(written), to: edge(written) };
    case '>':
    case '>=':
      return { kind: 'number', source, from: edge(written, comparison === '>=') };
    case '<':
    case '<=':
      return { kind: 'number', source, to: edge(written, comparison === '<=') };
  }
}

function numberOf(written: Written): number {
  const text = plainText(written);
  const value = /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isNaN(value)) return value;
  throw new QueryError(
    'this is no number',
    written,
    'Write digits, at most 15 of them, and a dot for fractions; >, >=, <, <= and a..b compare.',
  );
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** @throws QueryError for what is neither a UUID nor its 32 digits */
export function uuidCondition(column: UuidColumn, written: Written): Condition {
  if (isAnything(patternOf(written))) {
    return { kind: 'not', of: { kind: 'uuid', column, value: NO_UUID } };
  }
  const text = plainText(written);
  if (text === '') return { kind: 'uuid', column, value: NO_UUID };
  if (!UUID.test(text)) {
    throw new QueryError(
      'this is no UUID',
      written,
      'It has 32 hexadecimal digits, with or without hyphens; parts of one cannot be searched for.',
    );
  }
  const digits = text.replaceAll('-', '').toLowerCase();
  const value = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { kind: 'uuid', column, value };
}

const NO_ADDRESS: Condition = { kind: 'address', from: 0n, to: 0n };

/** @throws QueryError for what is no address, network, or range of addresses */
export function addressCondition(written: Written): Condition {
  if (isAnything(patternOf(written))) return { kind: 'not', of: NO_ADDRESS };
  const text = plainText(written);
  if (text === '') return NO_ADDRESS;
  const bounds = boundsOf(written);
  if (bounds.kind === 'one') return { kind: 'address', ...rangeOf(text, written) };
  const { from, to } = bounds;
  return {
    kind: 'address',
    from: from ? rangeOf(plainText(from), from).from : 1n,
    to: to ? rangeOf(plainText(to), to).to : (1n << 128n) - 1n,
  };
}

function rangeOf(text: string, span: Span): { readonly from: bigint; readonly to: bigint } {
  const range = addressRange(text);
  if (range !== undefined) return range;
  throw new QueryError(
    'this is no address',
    span,
    'Write an IPv4 or IPv6 address, a network (10.0.0.0/8, 2001:db8::/32), or a range of addresses.',
  );
}
