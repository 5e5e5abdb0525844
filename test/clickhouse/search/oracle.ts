/** What a condition means, evaluated over a stored row without any SQL: naive, and on purpose so. */
import type { Condition, TextSource } from '../../../clickhouse/search/condition.ts';
import { addressRange } from '../../../clickhouse/search/network.ts';
import type { Pattern } from '../../../clickhouse/search/pattern.ts';
import type { Row } from '../support.ts';

type Texts = readonly string[];
interface Member {
  readonly role: string;
  readonly type: string;
  readonly id: string;
  readonly name?: string;
}

export function matches(condition: Condition, row: Row): boolean {
  switch (condition.kind) {
    case 'all':
      return condition.of.every((part) => matches(part, row));
    case 'any':
      return condition.of.some((part) => matches(part, row));
    case 'not':
      return !matches(condition.of, row);
    case 'like':
      return textsOf(condition.source, row).some((text) =>
        like(text, condition.pattern, condition.fold),
      );
    case 'holds':
      return textsOf(condition.source, row).some((text) =>
        like(text, around(condition.pattern), true),
      );
    case 'present':
      return isPresent(condition.source, row);
    case 'text':
      return allTexts(row).some((text) => like(text, around(condition.pattern), true));
    case 'word':
      return condition.words.includes(string(row, condition.column, DEFAULTS[condition.column]));
    case 'number': {
      const value = numberOf(condition.source, row);
      const { from, to } = condition;
      if (value === undefined) return false;
      if (from && !(from.inclusive ? value >= from.value : value > from.value)) return false;
      return !to || (to.inclusive ? value <= to.value : value < to.value);
    }
    case 'time': {
      const micros = microsOf(String(row[condition.column]));
      return micros >= (condition.from ?? -Infinity) && micros < (condition.before ?? Infinity);
    }
    case 'uuid':
      return string(row, condition.column, NO_UUID) === condition.value;
    case 'address': {
      const address = addressRange(string(row, 'source_ip', '::'))?.from ?? -1n;
      return address >= condition.from && address <= condition.to;
    }
    case 'related':
      return list<Member>(row, 'related').some(
        ({ role, type, id }) =>
          (condition.role === undefined || role === condition.role) &&
          (condition.type === undefined || like(type, condition.type, false)) &&
          like(id, condition.id, false),
      );
  }
}

const NO_UUID = '00000000-0000-0000-0000-000000000000';
const DEFAULTS = { operation: 'unknown', outcome: 'unknown', severity: 'informational' } as const;

const string = (row: Row, column: string, absent = ''): string =>
  `${(row[column] ?? absent) as string | number}`;
const list = <T>(row: Row, column: string): readonly T[] => (row[column] ?? []) as readonly T[];

export const microsOf = (instant: string): number => {
  const [, seconds = '', fraction = ''] = /^(.{19})(?:\.(\d+))?Z$/.exec(instant) ?? [];
  return Date.parse(`${seconds}Z`) * 1000 + Number(fraction.padEnd(6, '0'));
};

const around = (pattern: Pattern): Pattern => ['', ...pattern, ''];

/** Text by text from the left, which is right as long as the last one is tried at the very end. */
function like(text: string, pattern: Pattern, fold: boolean): boolean {
  const [given, parts] = fold
    ? [text.toLowerCase(), pattern.map((part) => part.toLowerCase())]
    : [text, pattern];
  const [first = '', ...more] = parts;
  const last = more.pop();
  if (last === undefined) return given === first;
  if (!given.startsWith(first)) return false;
  let at = first.length;
  for (const part of more) {
    const found = given.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return given.length - last.length >= at && given.endsWith(last);
}

function jsonAt(row: Row, { column, path }: Extract<TextSource, { in: 'json' }>): unknown {
  let value = JSON.parse(string(row, column, 'null')) as unknown;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Row)[key];
  }
  return value;
}

const jsonText = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

interface StoredChange {
  readonly path: string;
  readonly old?: string;
  readonly new?: string;
}

function textsOf(source: TextSource, row: Row): Texts {
  switch (source.in) {
    case 'column':
      return [string(row, source.column, ABSENT[source.column] ?? '')];
    case 'attribute':
      return [((row['attributes'] ?? {}) as Record<string, string>)[source.key] ?? ''];
    case 'json':
      return [jsonText(jsonAt(row, source))];
    case 'changes':
      return list<StoredChange>(row, 'changes').map((change) => {
        const stored = change[source.part] ?? '';
        if (source.part === 'path' || stored === '') return stored;
        return jsonText(JSON.parse(stored));
      });
  }
}

const ABSENT: Readonly<Record<string, string>> = {
  tenant_id: 'default',
  retention_class: 'standard',
};

function isPresent(source: TextSource, row: Row): boolean {
  switch (source.in) {
    case 'column':
      return string(row, source.column, ABSENT[source.column] ?? '') !== '';
    case 'attribute':
      return Object.hasOwn(row['attributes'] ?? {}, source.key);
    case 'json':
      return jsonAt(row, source) !== undefined;
    case 'changes':
      return list<StoredChange>(row, 'changes').some(
        (change) => (change[source.part] ?? '') !== '',
      );
  }
}

function numberOf(
  source: Extract<Condition, { kind: 'number' }>['source'],
  row: Row,
): number | undefined {
  if (source.in === 'column') return Number(row[source.column] ?? NUMBERS[source.column] ?? 0);
  const value = jsonAt(row, source);
  return typeof value === 'number' ? value : undefined;
}

const NUMBERS: Readonly<Record<string, number>> = { weight: 1, event_version: 1 };

function allTexts(row: Row): Texts {
  const columns = [
    'message',
    'reason',
    'error_code',
    'error_message',
    'event_type',
    'actor_id',
    'actor_name',
  ];
  const more = ['target_id', 'target_name', 'data', 'execution'];
  return [
    ...[...columns, ...more].map((column) => string(row, column)),
    ...list<Member>(row, 'related').flatMap(({ id, name }) => [id, name ?? '']),
    ...list<StoredChange>(row, 'changes').flatMap((change) => [
      change.path,
      change.old ?? '',
      change.new ?? '',
    ]),
    ...Object.values((row['attributes'] ?? {}) as Record<string, string>),
  ];
}
