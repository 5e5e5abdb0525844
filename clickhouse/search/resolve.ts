import { allOf, anyOf, type Condition, EVERYTHING, type TextSource } from './condition.ts';
import { fieldNamed } from './field-named.ts';
import type { Field } from './fields.ts';
import { isAnything, patternOf, splitAtSlash } from './pattern.ts';
import type { Pattern } from './pattern.ts';
import { QueryError } from './query-error.ts';
import { refuseComparison } from './ranges.ts';
import type { Syntax, Term, Written } from './syntax.ts';
import {
  addressCondition,
  numberCondition,
  timeCondition,
  uuidCondition,
  wordCondition,
} from './values.ts';
import type { Clock } from './when.ts';

/**
 * Looks up every field and reads every value.
 *
 * @throws QueryError for unknown fields and values that do not fit theirs
 */
export function resolve(syntax: Syntax, clock: Clock): Condition {
  switch (syntax.kind) {
    case 'all':
    case 'any':
      return { kind: syntax.kind, of: syntax.of.map((part) => resolve(part, clock)) };
    case 'not':
      return { kind: 'not', of: resolve(syntax.of, clock) };
    case 'term':
      return termCondition(syntax, clock);
  }
}

function termCondition(term: Term, clock: Clock): Condition {
  const { field: named, comparison, values } = term;
  if (named === undefined) return anyOf(values.map(wordsCondition));
  const field = fieldNamed(named.name, named);
  if (comparison !== undefined && values.length > 1) {
    throw new QueryError(
      'a comparison with several values',
      values[1] as Written,
      'Compare with one value, or give a range: a..b.',
    );
  }
  return anyOf(values.map((value) => valueCondition(field, value, term, clock)));
}

/** A word or phrase without a field; stars within it stand for any characters. */
function wordsCondition(written: Written): Condition {
  const pattern = patternOf(written);
  if (pattern.every((part) => part === '')) return EVERYTHING;
  return { kind: 'text', pattern };
}

function valueCondition(field: Field, written: Written, term: Term, clock: Clock): Condition {
  const { kind } = field;
  const { comparison } = term;
  switch (kind.is) {
    case 'words':
      return wordCondition(kind, written, comparison);
    case 'time':
      return timeCondition(kind, written, comparison, clock);
    case 'number':
      return numberCondition({ in: 'column', column: kind.column }, written, comparison);
    case 'json': {
      const source = { in: 'json', column: kind.column, path: kind.path } as const;
      if (comparison !== undefined || isNumberRange(written)) {
        return numberCondition(source, written, comparison);
      }
      return whole(source, patternOf(written), true);
    }
    default:
      refuseComparison(comparison, written);
      return plainCondition(kind, written);
  }
}

/** Of a field that holds whatever was put there, `../etc` is a text and `5..10` a range. */
const isNumberRange = ({ pieces }: Written): boolean =>
  pieces.every(({ quoted }) => !quoted) &&
  /^(?=.*\d)(?:-?\d+(?:\.\d+)?|\*)?\.\.(?:-?\d+(?:\.\d+)?|\*)?$/.test(
    pieces.map(({ text }) => text).join(''),
  );

type PlainKind = Exclude<Field['kind'], { is: 'words' | 'time' | 'number' | 'json' }>;

function plainCondition(kind: PlainKind, written: Written): Condition {
  switch (kind.is) {
    case 'uuid':
      return uuidCondition(kind.column, written);
    case 'address':
      return addressCondition(written);
    case 'label':
      return whole({ in: 'column', column: kind.column }, patternOf(written), false);
    case 'name':
      return whole({ in: 'column', column: kind.column }, patternOf(written), true);
    case 'attribute':
      return whole({ in: 'attribute', key: kind.key }, patternOf(written), true);
    case 'changeValue':
      return whole({ in: 'changes', part: kind.part }, patternOf(written), true);
    case 'text':
      return part({ in: 'column', column: kind.column }, patternOf(written));
    case 'error':
      return errorCondition(patternOf(written));
    case 'path':
      return pathCondition(patternOf(written));
    case 'party':
      return partyCondition(kind, patternOf(written));
    case 'related':
      return relatedCondition(kind.role, patternOf(written));
  }
}

const whole = (source: TextSource, pattern: Pattern, fold: boolean): Condition =>
  isAnything(pattern) ? { kind: 'present', source } : { kind: 'like', source, pattern, fold };

/** Words somewhere in a text; the empty text only in an empty one. */
const part = (source: TextSource, pattern: Pattern): Condition =>
  (pattern.length === 1 && pattern[0] === '') || isAnything(pattern)
    ? whole(source, pattern, true)
    : { kind: 'holds', source, pattern };

const ERROR_CODE = { in: 'column', column: 'error_code' } as const;
const ERROR_MESSAGE = { in: 'column', column: 'error_message' } as const;

const errorCondition = (pattern: Pattern): Condition =>
  pattern.length === 1 && pattern[0] === ''
    ? allOf([whole(ERROR_CODE, pattern, true), whole(ERROR_MESSAGE, pattern, true)])
    : anyOf([whole(ERROR_CODE, pattern, true), part(ERROR_MESSAGE, pattern)]);

const PATH = { in: 'changes', part: 'path' } as const;

/** A pointer means its field and all below it; a name without a slash any part of a path. */
function pathCondition(pattern: Pattern): Condition {
  if (isAnything(pattern)) return { kind: 'present', source: PATH };
  const like = (one: Pattern): Condition => ({
    kind: 'like',
    source: PATH,
    pattern: one,
    fold: false,
  });
  const below = (one: Pattern): Pattern =>
    [...one.slice(0, -1), `${one.at(-1) ?? ''}/`, ''] as unknown as Pattern;
  const [first, ...more] = pattern;
  if (first.startsWith('/') || first === '') return anyOf([like(pattern), like(below(pattern))]);
  const anywhere: Pattern = ['', `/${first}`, ...more];
  return anyOf([like(anywhere), like(below(anywhere))]);
}

function partyCondition(
  kind: Extract<Field['kind'], { is: 'party' }>,
  pattern: Pattern,
): Condition {
  const like = (column: typeof kind.id, one: Pattern): Condition =>
    whole({ in: 'column', column }, one, false);
  const parts = splitAtSlash(pattern);
  const id = like(kind.id, pattern);
  if (parts === undefined) return id;
  return anyOf([id, allOf([like(kind.type, parts[0]), like(kind.id, parts[1])])]);
}

function relatedCondition(role: string | undefined, pattern: Pattern): Condition {
  const of = { kind: 'related', ...(role === undefined ? {} : { role }) } as const;
  const parts = splitAtSlash(pattern);
  const id: Condition = { ...of, id: pattern };
  if (parts === undefined) return id;
  return anyOf([id, { ...of, type: parts[0], id: parts[1] }]);
}
