import { COLUMNS, PRODUCER_COLUMNS } from '../../schemas/index.ts';
import type { ExportFormat } from './formats.ts';

/** How ClickHouse is asked for each. */
export const ENGINE_FORMAT: Readonly<Record<ExportFormat, string>> = {
  ndjson: 'JSONEachRow',
  csv: 'CSVWithNames',
  parquet: 'Parquet',
};

/** What was stored beside the producer's columns, and says where a row has come from. */
const STORED = COLUMNS.filter(({ source, name }) => source !== 'producer' && name !== 'lease').map(
  ({ name }) => name,
);

/**
 * The SELECT list of a format. Text that a spreadsheet would run as a formula gets an apostrophe in
 * front (OWASP, "CSV Injection"), also where the sign stands behind blanks or is one of the wide forms
 * that spreadsheets take for it; a NUL, which ends a cell in some, becomes its picture. Pure.
 */
export function selectList(format: ExportFormat): string {
  if (format === 'ndjson') return PRODUCER_COLUMNS.map(({ name }) => name).join(', ');
  const producer = PRODUCER_COLUMNS.map(
    ({ name, type }) => `${shown(name, type, format)} AS ${name}`,
  );
  const stored = STORED.map((name) => `${shown(name, typeOf(name), format)} AS ${name}`);
  return [...producer, ...stored].join(',\n  ');
}

const typeOf = (name: string): string => COLUMNS.find((one) => one.name === name)?.type ?? 'String';

function shown(name: string, type: string, format: 'csv' | 'parquet'): string {
  const column = `audit_events.${name}`;
  if (/^(?:LowCardinality\()?String\)?$/.test(type))
    return format === 'csv' ? cell(column) : `toString(${column})`;
  if (/^(?:Enum|UUID|IPv6)/.test(type)) return `toString(${column})`;
  if (/^(?:Array|Map)/.test(type)) {
    return format === 'csv' ? cell(`toJSONString(${column})`) : column;
  }
  if (format === 'csv' && type.startsWith('DateTime64')) {
    return `formatDateTime(${column}, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC')`;
  }
  return column;
}

const cell = (text: string): string =>
  `replaceAll(if(match(${text}, '^\\\\s*[=+@\\\\-\\\\x{FF1D}\\\\x{FF0B}\\\\x{FF20}\\\\x{FF0D}]|^[\\\\t\\\\r\\\\n]'), concat('''', ${text}), ${text}), '\\0', '\u2400')`;
