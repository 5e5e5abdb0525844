/** `ndjson`: wire rows, which `ledgerline emit` reads back. `csv`: for spreadsheets. `parquet`: for analysis. */
export const EXPORT_FORMATS = ['ndjson', 'csv', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
