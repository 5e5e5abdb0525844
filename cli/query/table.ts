import Table from 'cli-table3';
import { linesOf } from '../lines.ts';
import { safeText } from '../safe-text.ts';
import { answerColours, count } from '../terminal.ts';

/** A table is for reading; json and csv are for everything. */
export const MAX_TABLE_ROWS = 1000;
const MAX_CELL_CHARACTERS = 100;
const MAX_LINE_BYTES = 64 * 1024 * 1024;

export interface Shown {
  readonly text: string;
  readonly rows: number;
  readonly more: boolean;
}

/**
 * Draws the first rows of an answer in ClickHouse's JSONCompactStringsEachRowWithNames. Cells hold
 * what producers sent, so everything that a terminal would obey is shown instead of done.
 */
export async function drawTable(answer: AsyncIterable<Buffer>): Promise<Shown> {
  const rows: string[][] = [];
  let names: string[] | undefined;
  let more = false;
  for await (const line of linesOf(answer, MAX_LINE_BYTES)) {
    const cells = 'tooLong' in line ? ['(a row too large to show)'] : cellsOf(line.bytes);
    if (names === undefined) names = cells;
    else if (rows.length < MAX_TABLE_ROWS) rows.push(cells);
    else {
      more = true;
      break;
    }
  }
  if (names === undefined) return { text: '', rows: 0, more: false };
  const table = new Table({
    head: names.map((name) => answerColours.bold(name)),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows);
  return { text: table.toString(), rows: rows.length, more };
}

const cellsOf = (bytes: Buffer): string[] =>
  (JSON.parse(bytes.toString('utf8')) as string[]).map((cell) => {
    const text = safeText(cell.slice(0, MAX_CELL_CHARACTERS + 1));
    return text.length > MAX_CELL_CHARACTERS ? `${text.slice(0, MAX_CELL_CHARACTERS)}…` : text;
  });

/** The line below the table. */
export const footer = ({ rows, more }: Shown): string =>
  more
    ? `the first ${count(rows)} rows; --format json, ndjson or csv give all of them`
    : `${count(rows)} ${rows === 1 ? 'row' : 'rows'}`;
