import type { Parameters } from '../search/compile.ts';
import {
  areNamed,
  ERASED,
  ERASED_ATTRIBUTE,
  ERASED_NUMBER,
  isNumber,
  jsonWordPattern,
  JSON_TEXTS,
  KEPT_ATTRIBUTES,
  namesOfPath,
  nameIn,
  type Person,
  PLAIN_TEXTS,
  wordPattern,
} from './person.ts';

/** An event's values that can be a person's, replaced; what was empty stays empty. */
export function erasedEvent(id: string, { identifiers }: Person, params: Parameters): string {
  const mark = params.bind(id, 'String');
  const plain = params.bind(wordPattern(identifiers), 'String');
  const json = params.bind(jsonWordPattern(identifiers), 'String');
  const kept = KEPT_ATTRIBUTES.map((key) => `'${key}'`).join(', ');
  const path = `arrayStringConcat(arrayMap(s -> if(match(${nameIn('s')}, ${plain}), '${ERASED.text}', s), ${namesOfPath('x.path')}), '/')`;
  return [
    ...PLAIN_TEXTS.map((text) => `${text} = if(${text} = '', '', '${ERASED.text}')`),
    `related = CAST(arrayMap(x -> (x.role, x.type, x.id, if(x.name = '', '', '${ERASED.text}')), related), 'Array(Tuple(role LowCardinality(String), type LowCardinality(String), id String, name String))')`,
    `changes = CAST(arrayMap(x -> (x.op, ${path}, if(x.old = '', '', '${ERASED.json}'), if(x.new = '', '', '${ERASED.json}')), changes), 'Array(Tuple(op Enum8(\\'add\\' = 1, \\'remove\\' = 2, \\'replace\\' = 3, \\'move\\' = 4, \\'copy\\' = 5, \\'test\\' = 6), path LowCardinality(String), old String, new String))')`,
    ...JSON_TEXTS.map((text) => `${text} = if(${text} = '', '', '${ERASED.object}')`),
    `source_ip = toIPv6('::')`,
    `attributes = CAST(mapUpdate(mapFilter((key, value) -> key IN (${kept}) AND NOT match(value, ${json}), attributes), map('${ERASED_ATTRIBUTE}', ${mark})), 'Map(LowCardinality(String), String)')`,
  ].join(',\n  ');
}

/**
 * A quarantined message without body and key. The producer's number of it is nobody's name and stays in a
 * header: without it `verify` would have to call the number lost.
 */
export function erasedMessage(id: string, { identifiers }: Person, params: Parameters): string {
  const mark = params.bind(id, 'String');
  const json = params.bind(jsonWordPattern(identifiers), 'String');
  const told = `concat(JSONExtractString(message, 'producer_id'), '_', toString(JSONExtractUInt(message, 'producer_seq')))`;
  const number = `if(message = '', headers['${ERASED_NUMBER}'], ${told})`;
  return [
    `error = if(match(error, ${json}), '${ERASED.text}', error)`,
    `message = ''`,
    `message_key = ''`,
    `headers = if(${isNumber(number)}, map('${ERASED_ATTRIBUTE}', ${mark}, '${ERASED_NUMBER}', ${number}), map('${ERASED_ATTRIBUTE}', ${mark}))`,
  ].join(', ');
}

/** The texts of a record that name the person. */
export const erasedRecord =
  (columns: readonly string[]) =>
  (_: string, person: Person, params: Parameters): string =>
    columns
      .map(
        (column) =>
          `${column} = if(${areNamed([column], person, params)}, '${ERASED.text}', ${column})`,
      )
      .join(', ');
