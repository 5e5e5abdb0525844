import type { Ran } from './connections.ts';

/** X-ClickHouse-Summary: numbers as strings, as a server writes them. */
export type Summary = Readonly<Record<string, string>>;

export function readSummary(
  ran: Pick<Ran, 'rows' | 'rowBytes' | 'elapsedNs'> | undefined,
): Summary {
  const rows = String(ran?.rows ?? 0);
  const bytes = String(ran?.rowBytes ?? 0);
  return {
    read_rows: rows,
    read_bytes: bytes,
    written_rows: '0',
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: rows,
    result_bytes: bytes,
    elapsed_ns: String(ran?.elapsedNs ?? 0),
  };
}

export function writeSummary(ran: Ran): Summary {
  const rows = String(ran.rows);
  const bytes = String(ran.rowBytes);
  return {
    read_rows: rows,
    read_bytes: bytes,
    written_rows: rows,
    written_bytes: bytes,
    total_rows_to_read: '0',
    result_rows: rows,
    result_bytes: bytes,
    elapsed_ns: String(ran.elapsedNs),
  };
}
