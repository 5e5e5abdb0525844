import { Transform } from 'node:stream';
import { decodeRow } from '../../schemas/decode-row.ts';
import { encodeRow } from '../../schemas/encode-row.ts';
import type { ExportFormat } from '../../clickhouse/index.ts';

/** What passes an export's bytes on, and counts the rows in them. */
export interface RowCounting {
  readonly stream: Transform;
  /** Rows that have passed; undefined where only the whole file tells. */
  rows(): number | undefined;
}

export function rowCounting(format: ExportFormat): RowCounting {
  switch (format) {
    case 'ndjson':
      return wireRows();
    case 'csv':
      return csvRows();
    case 'parquet':
      return { stream: passing(() => undefined), rows: () => undefined };
  }
}

const passing = (look: (chunk: Buffer) => void): Transform =>
  new Transform({
    transform(chunk: Buffer, _, done) {
      look(chunk);
      done(null, chunk);
    },
  });

const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** A line of CSV may have line ends within quotes; a doubled quote closes and opens again. The first line is the head. */
function csvRows(): RowCounting {
  let inQuotes = false;
  let lines = 0;
  const stream = passing((chunk) => {
    for (const byte of chunk) {
      if (byte === QUOTE) inQuotes = !inQuotes;
      else if (byte === NEWLINE && !inQuotes) lines += 1;
    }
  });
  return { stream, rows: () => Math.max(0, lines - 1) };
}

/** ClickHouse's lines as wire rows: what a producer would have sent, which `ledgerline emit` reads back. */
function wireRows(): RowCounting {
  let rest: Buffer[] = [];
  let count = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _, done) {
      try {
        let from = 0;
        const lines: (Buffer | string)[] = [];
        for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
          rest.push(chunk.subarray(from, at));
          lines.push(encodeRow(decodeRow(Buffer.concat(rest))), '\n');
          rest = [];
          count += 1;
          from = at + 1;
        }
        rest.push(chunk.subarray(from));
        done(null, lines.length === 0 ? undefined : joined(lines));
      } catch (error) {
        done(error as Error);
      }
    },
  });
  return { stream, rows: () => count };
}

const joined = (parts: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
