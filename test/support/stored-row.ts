/**
 * The message again, from what the ledger stores of it: the same bytes, or the ledger holds something
 * else than was sent. Messages have their keys in the order of the columns, as encoders write them, and
 * name no defaults.
 */
import { COLUMNS, PRODUCER_COLUMNS } from '../../schemas/index.ts';

type ProducerColumn = (typeof PRODUCER_COLUMNS)[number];
type Stored = Readonly<Record<string, unknown>>;

const UNMAPPED = 'ledger.unmapped.';
/** Kept as the text that came: an object on the wire. */
const RAW = new Set(['data', 'execution']);
const EMPTY = new Set(['', '0', '[]', '{}', '::', '00000000-0000-0000-0000-000000000000']);

/** What `wireText` reads, as a list for SELECT. */
export const WIRE_SELECT = PRODUCER_COLUMNS.map(({ name }) => {
  if (name === 'occurred_at')
    return `formatDateTime(occurred_at, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS at_text`;
  if (name === 'source_ip') return `replaceOne(toString(source_ip), '::ffff:', '') AS address`;
  return name;
}).join(', ');

/** The bytes that a producer must have sent for this row, as text. */
export function wireText(row: Stored): string {
  const { attributes, unmapped } = split(row['attributes'] as Readonly<Record<string, string>>);
  const values: Stored = {
    ...row,
    attributes,
    occurred_at: row['at_text'],
    source_ip: row['address'],
  };
  const members = PRODUCER_COLUMNS.flatMap((column) => {
    const text = textOf(column, values[column.name]);
    return text === undefined ? [] : [`${JSON.stringify(column.name)}:${text}`];
  });
  const more = Object.entries(unmapped).map(([key, text]) => `${JSON.stringify(key)}:${text}`);
  return `{${[...members, ...more].join(',')}}`;
}

/** `undefined` for the column's default, which a message does not name. */
function textOf(column: ProducerColumn, value: unknown): string | undefined {
  const isNumber = /^(UInt|Float)/.test(column.type);
  const text = RAW.has(column.name)
    ? (value as string)
    : JSON.stringify(isNumber ? Number(value) : value);
  const plain = typeof value === 'string' ? value : text;
  const byDefault = 'default' in column ? column.default.replaceAll("'", '') : undefined;
  return plain === byDefault || (byDefault === undefined && EMPTY.has(plain)) ? undefined : text;
}

function split(all: Readonly<Record<string, string>>) {
  const attributes: Record<string, string> = {};
  const unmapped: Record<string, string> = {};
  for (const [key, value] of Object.entries(all)) {
    if (key.startsWith(UNMAPPED)) unmapped[key.slice(UNMAPPED.length)] = value;
    else attributes[key] = value;
  }
  return { attributes, unmapped };
}

const ORDER = new Map<string, number>(COLUMNS.map(({ name }, index) => [name, index]));

/** The object with its keys in the order of the columns; unknown ones last. */
export function inColumnOrder(row: Stored): Stored {
  const place = (key: string): number => ORDER.get(key) ?? ORDER.size;
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => place(a) - place(b)));
}
