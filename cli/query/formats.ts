import type { Settings } from '../../clickhouse/index.ts';

/** How an answer is shown: by this command as a table, or by ClickHouse as it streams. */
export const FORMATS = ['table', 'json', 'ndjson', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

interface EngineFormat {
  readonly format: string;
  readonly settings: Settings;
}

/** Numbers stay numbers, also those that JavaScript would round: jq and others read them whole. */
const PLAIN_NUMBERS = { output_format_json_quote_64bit_integers: 0 };

/** The engine writes every format itself, so that an answer of any size takes constant memory. */
export const ENGINE_FORMATS: Readonly<Record<Format, EngineFormat>> = {
  table: { format: 'JSONCompactStringsEachRowWithNames', settings: {} },
  json: {
    format: 'JSONEachRow',
    settings: { ...PLAIN_NUMBERS, output_format_json_array_of_rows: 1 },
  },
  ndjson: {
    format: 'JSONEachRow',
    settings: { ...PLAIN_NUMBERS, output_format_json_array_of_rows: 0 },
  },
  csv: { format: 'CSVWithNames', settings: {} },
};
