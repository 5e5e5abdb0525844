import { LedgerlineError } from '../../schemas/errors.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { asked, type Asked, type AskOptions, callOptions, inTime, whereSql } from './ask.ts';
import { Parameters } from './compile.ts';
import { GROUP_KEY, OVER_GROUPS, PER_GROUP, type Total, totalOf, type TotalRow } from './count.ts';
import { DEFAULT_FACETS } from './default-facets.ts';
import { fieldNamed } from './field-named.ts';
import { type Field, FIELDS } from './fields.ts';
import { sourceSql } from './source.ts';

const MAX_FACETS = 12;
const MAX_VALUES = 1000;

export interface FacetOptions extends AskOptions {
  /** Which fields; default {@link DEFAULT_FACETS}. At most 12. */
  readonly fields?: readonly string[];
  /** Values of each field, the most frequent first. Default 10, at most 1,000. */
  readonly top?: number;
}

export interface FacetValue extends Total {
  /** As the query language takes it: `field:value`. Empty where the event has none. */
  readonly value: string;
}

export interface Facet {
  readonly field: string;
  readonly values: readonly FacetValue[];
  /** What the other values have together, and how many they are. */
  readonly other: { readonly values: number; readonly stored: number; readonly happened: number };
}

/**
 * The most frequent values of some fields among the events of a query, each with its weighted count.
 * A list (`changed`) counts an event once for each of its values.
 *
 * @throws as `search`; LedgerlineError `CONFIG_INVALID` for fields that have no values to count
 *
 * @example
 * const [actors] = await facets(clickhouse, 'outcome:denied', { tenant: 'acme', fields: ['actor'] });
 */
export async function facets(
  clickhouse: ClickHouse,
  query: string,
  options: FacetOptions,
): Promise<Facet[]> {
  const names = options.fields ?? DEFAULT_FACETS;
  const top = options.top ?? 10;
  checkOptions(names, top);
  const fields = names.map((name) => fieldNamed(name, { at: 0, length: name.length }));
  return inTime(options, async () => {
    const started = performance.now();
    const question = await asked(clickhouse, query, options);
    const found: Facet[] = [];
    for (const field of fields) {
      const params = new Parameters();
      const rows = await clickhouse.query<FacetRow>(
        facetSql(question, field, top, params),
        callOptions(options, params, started),
      );
      found.push(facetOf(field.name, rows));
    }
    return found;
  });
}

interface FacetRow extends TotalRow {
  readonly value: string;
  readonly all_values: string;
  readonly all_stored: string;
  readonly all_happened: number;
}

function facetSql(question: Asked, field: Field, top: number, params: Parameters): string {
  const value = valueSql(field, params);
  return `SELECT value, ${OVER_GROUPS},
  count() OVER () AS all_values, sum(stored) OVER () AS all_stored, sum(happened) OVER () AS all_happened
FROM (
  SELECT toString(${value}) AS value, ${PER_GROUP}
  FROM ${sourceSql(question, params)}
  WHERE ${whereSql(question, params)}
  GROUP BY value, ${GROUP_KEY}
)
GROUP BY value
ORDER BY happened DESC, value
LIMIT ${params.bind(top, 'UInt32')}`;
}

function facetOf(field: string, rows: readonly FacetRow[]): Facet {
  const values = rows.map((row) => ({ value: row.value, ...totalOf(row) }));
  const [first] = rows;
  const sum = (of: 'stored' | 'happened'): number =>
    values.reduce((total, value) => total + value[of], 0);
  return {
    field,
    values,
    other: {
      values: Number(first?.all_values ?? 0) - rows.length,
      stored: Number(first?.all_stored ?? 0) - sum('stored'),
      happened: Math.max(0, Number(first?.all_happened ?? 0) - sum('happened')),
    },
  };
}

/** The value of a field as SQL, or that it has none to count. */
function valueSql({ kind, name }: Field, params: Parameters): string {
  switch (kind.is) {
    case 'label':
    case 'name':
      return kind.column;
    case 'words':
    case 'number':
    case 'uuid':
      return kind.column;
    case 'party':
      return `if(${kind.id} = '', '', concat(${kind.type}, '/', ${kind.id}))`;
    case 'address':
      return "if(source_ip = toIPv6('::'), '', replaceOne(toString(source_ip), '::ffff:', ''))";
    case 'path':
      return "arrayJoin(if(empty(changes.path), [''], arrayDistinct(changes.path)))";
    case 'attribute':
      return `attributes[${params.bind(kind.key, 'String')}]`;
    case 'json': {
      const at = [kind.column, ...kind.path.map((key) => params.bind(key, 'String'))].join(', ');
      return `if(JSONType(${at}) = 'String', JSONExtractString(${at}), JSONExtractRaw(${at}))`;
    }
    case 'related': {
      const of =
        kind.role === undefined
          ? 'related'
          : `arrayFilter(party -> party.role = ${params.bind(kind.role, 'String')}, related)`;
      const names = `arrayDistinct(arrayMap(party -> concat(party.type, '/', party.id), ${of}))`;
      return `arrayJoin(if(empty(${names}), [''], ${names}))`;
    }
    case 'error':
      return 'error_code';
    case 'text':
    case 'time':
    case 'changeValue':
      throw notCounted(name);
  }
}

const notCounted = (name: string): LedgerlineError =>
  new LedgerlineError('CONFIG_INVALID', `the field ${name} has no values to count`, {
    hint: `Choose from ${FIELDS.map((field) => field.name).join(', ')}; activity counts over time.`,
  });

function checkOptions(names: readonly string[], top: number): void {
  if (names.length < 1 || names.length > MAX_FACETS) {
    throw new LedgerlineError('CONFIG_INVALID', 'the option fields is out of range', {
      hint: `Name 1 to ${MAX_FACETS} fields.`,
    });
  }
  if (!Number.isInteger(top) || top < 1 || top > MAX_VALUES) {
    throw new LedgerlineError('CONFIG_INVALID', 'the option top is out of range', {
      hint: `Pass a whole number from 1 to ${MAX_VALUES}.`,
    });
  }
}
