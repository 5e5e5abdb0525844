import { formatMicros } from '../../schemas/instant.ts';
import type { Condition, Edge, TextSource } from './condition.ts';
import { addressText } from './network.ts';
import { isLiteral, likeOf, type Pattern } from './pattern.ts';

/** A condition as ClickHouse reads it. The text is made of this file's own words and parameters' names. */
export interface Compiled {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Values on their way into a statement: each is bound, and the text has its name alone. */
export class Parameters {
  readonly values: Record<string, unknown> = {};
  #next = 0;

  bind(value: unknown, type: string): string {
    const name = `p${this.#next}`;
    this.#next += 1;
    this.values[name] = value;
    return `{${name}:${type}}`;
  }
}

/** The condition as an expression of ClickHouse's SQL over `audit_events`. Pure. */
export function compile(condition: Condition, params = new Parameters()): Compiled {
  return { sql: expression(condition, params), params: params.values };
}

function expression(condition: Condition, params: Parameters): string {
  switch (condition.kind) {
    case 'all':
    case 'any': {
      const parts = condition.of.map((part) => expression(part, params));
      if (parts.length === 0) return condition.kind === 'all' ? '1' : '0';
      return `(${parts.join(condition.kind === 'all' ? ' AND ' : ' OR ')})`;
    }
    case 'not':
      return `NOT ${expression(condition.of, params)}`;
    case 'like':
      return overText(condition.source, params, (text) =>
        like(text, condition.pattern, condition.fold, params),
      );
    case 'holds':
      return overText(condition.source, params, (text) => holds(text, condition.pattern, params));
    case 'present':
      return present(condition.source, params);
    case 'text':
      return anyText(condition.pattern, params);
    case 'word':
      return condition.words.length === 0
        ? '0'
        : `(${condition.column} IN ${params.bind(condition.words, 'Array(String)')})`;
    case 'number':
      return number(condition, params);
    case 'time':
      return edges([
        condition.from !== undefined && `${condition.column} >= ${instant(condition.from, params)}`,
        condition.before !== undefined &&
          `${condition.column} < ${instant(condition.before, params)}`,
      ]);
    case 'uuid':
      return uuid(condition, params);
    case 'address':
      return `(source_ip >= ${params.bind(addressText(condition.from), 'IPv6')} AND source_ip <= ${params.bind(addressText(condition.to), 'IPv6')})`;
    case 'related':
      return related(condition, params);
  }
}

const edges = (parts: readonly (string | false)[]): string => {
  const given = parts.filter((part) => part !== false);
  return given.length === 0 ? '1' : `(${given.join(' AND ')})`;
};

/** Microseconds as DateTime64's own text. */
export const instant = (micros: number, params: Parameters): string =>
  params.bind(formatMicros(micros)?.replace('T', ' ').replace('Z', ''), "DateTime64(6, 'UTC')");

/** A text that is one column, one member of a map or of JSON, or any of a list. */
function overText(source: TextSource, params: Parameters, test: (text: string) => string): string {
  switch (source.in) {
    case 'column':
      return test(source.column);
    case 'attribute':
      return test(`attributes[${params.bind(source.key, 'String')}]`);
    case 'json':
      return test(jsonText(source, params));
    case 'changes':
      return `arrayExists(x -> ${test(source.part === 'path' ? 'x' : valueText)}, changes.${source.part})`;
  }
}

/** Old and new values are JSON: a text is compared without its quotes, anything else as JSON. */
const valueText = "if(JSONType(x) = 'String', JSONExtractString(x), x)";

function jsonText(source: Extract<TextSource, { in: 'json' }>, params: Parameters): string {
  const at = jsonPath(source, params);
  return `if(JSONType(${at}) = 'String', JSONExtractString(${at}), JSONExtractRaw(${at}))`;
}

const jsonPath = (
  { column, path }: Extract<TextSource, { in: 'json' }>,
  params: Parameters,
): string => [column, ...path.map((key) => params.bind(key, 'String'))].join(', ');

function like(text: string, pattern: Pattern, fold: boolean, params: Parameters): string {
  if (isLiteral(pattern)) {
    const value = params.bind(pattern[0], 'String');
    return fold ? `(lowerUTF8(${text}) = lowerUTF8(${value}))` : `(${text} = ${value})`;
  }
  return `(${text} ${fold ? 'ILIKE' : 'LIKE'} ${params.bind(likeOf(pattern), 'String')})`;
}

const holds = (text: string, pattern: Pattern, params: Parameters): string =>
  isLiteral(pattern)
    ? `(positionCaseInsensitiveUTF8(${text}, ${params.bind(pattern[0], 'String')}) > 0)`
    : `(${text} ILIKE ${params.bind(likeOf(['', ...pattern, '']), 'String')})`;

function present(source: TextSource, params: Parameters): string {
  switch (source.in) {
    case 'column':
      return `(${source.column} != '')`;
    case 'attribute':
      return `mapContains(attributes, ${params.bind(source.key, 'String')})`;
    case 'json':
      return `JSONHas(${jsonPath(source, params)})`;
    case 'changes':
      return `arrayExists(x -> x != '', changes.${source.part})`;
  }
}

/** What words without a field are looked for in. docs/search.md names them. */
const TEXTS = [
  'message',
  'reason',
  'error_code',
  'error_message',
  'event_type',
  'actor_id',
  'actor_name',
  'target_id',
  'target_name',
  'data',
  'execution',
] as const;
const TEXT_LISTS = [
  'related.id',
  'related.name',
  'changes.path',
  'changes.old',
  'changes.new',
  'mapValues(attributes)',
] as const;

function anyText(pattern: Pattern, params: Parameters): string {
  const literal = isLiteral(pattern);
  const needle = params.bind(literal ? pattern[0] : likeOf(['', ...pattern, '']), 'String');
  const found = (text: string): string =>
    literal ? `positionCaseInsensitiveUTF8(${text}, ${needle}) > 0` : `${text} ILIKE ${needle}`;
  const parts = [
    ...TEXTS.map(found),
    ...TEXT_LISTS.map((list) => `arrayExists(x -> ${found('x')}, ${list})`),
  ];
  return `(${parts.join(' OR ')})`;
}

function number(condition: Extract<Condition, { kind: 'number' }>, params: Parameters): string {
  const { source, from, to } = condition;
  const compare = (value: string, sign: '>' | '<', edge: Edge): string =>
    `${value} ${sign}${edge.inclusive ? '=' : ''} ${params.bind(edge.value, 'Float64')}`;
  const [value, ...guards] =
    source.in === 'column' ? [source.column] : jsonNumber(jsonPath(source, params));
  return edges([
    ...guards,
    from !== undefined && compare(value, '>', from),
    to !== undefined && compare(value, '<', to),
  ]);
}

const jsonNumber = (path: string): [string, string] => [
  `JSONExtractFloat(${path})`,
  `JSONType(${path}) IN ('Int64', 'UInt64', 'Double')`,
];

/** An id of ours carries its time, which has a small index; the id alone has none. */
function uuid({ column, value }: Extract<Condition, { kind: 'uuid' }>, params: Parameters): string {
  const id = params.bind(value, 'UUID');
  const isOurs = column === 'event_id' && value.charAt(14) === '7';
  return isOurs
    ? `(event_id = ${id} AND UUIDv7ToDateTime(event_id) = UUIDv7ToDateTime(${id}))`
    : `(${column} = ${id})`;
}

function related(condition: Extract<Condition, { kind: 'related' }>, params: Parameters): string {
  const { role, type, id } = condition;
  const parts = edges([
    role !== undefined && `role = ${params.bind(role, 'String')}`,
    type !== undefined && like('type', type, false, params),
    like('id', id, false, params),
  ]);
  const found = `arrayExists((role, type, id) -> ${parts}, related.role, related.type, related.id)`;
  // Says less than what follows it, in the form that the skip index knows.
  return isLiteral(id) ? `(has(related.id, ${params.bind(id[0], 'String')}) AND ${found})` : found;
}
