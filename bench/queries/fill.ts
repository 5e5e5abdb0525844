import type { ClickHouse } from '../../clickhouse/index.ts';
import { INSERT_COLUMNS } from '../../schemas/index.ts';
import { progress } from '../stack.ts';
import { BLOCK_ROWS, sourceRows, type Span } from '../table/source.ts';

const TIMEOUT_MS = 600_000;
/** Rows of one statement: as many parts as a worker's inserts would have become after their first merges. */
const STATEMENT_ROWS = 500_000;
const MERGES_WAIT_MS = 900_000;

/** Ends now, as a ledger that is written to does, and begins within the shortest retention, so that every row is taken. */
export function lastDays(): Span {
  const begin = new Date(Date.now() - 88 * 86_400_000);
  return { start: begin.toISOString().slice(0, 19).replace('T', ' '), days: 88 };
}

const COLUMNS = INSERT_COLUMNS.filter((name) => name !== 'lease').join(', ');

/** Rows made by the engine itself, with Zipf's skew over tenants, actors and targets. */
export async function fill(clickhouse: ClickHouse, rows: number, span: Span): Promise<void> {
  for (let from = 0; from < rows; from += STATEMENT_ROWS) {
    await insertRows(clickhouse, from, Math.min(rows, from + STATEMENT_ROWS), rows, span);
    progress(`${Math.min(rows, from + STATEMENT_ROWS)} of ${rows} rows`);
  }
  await untilMerged(clickhouse);
}

export const insertRows = (
  clickhouse: ClickHouse,
  from: number,
  to: number,
  total: number,
  span: Span,
): Promise<void> =>
  clickhouse.command(
    `INSERT INTO audit_events (${COLUMNS}) SELECT ${COLUMNS} FROM (${sourceRows(from, to, total, span)})`,
    {
      timeoutMs: TIMEOUT_MS,
      settings: { max_block_size: BLOCK_ROWS, min_insert_block_size_rows: 250_000 },
    },
  );

/** Questions are asked of a table at rest; while others write to it, `--meanwhile` asks. */
async function untilMerged(clickhouse: ClickHouse): Promise<void> {
  const deadline = Date.now() + MERGES_WAIT_MS;
  for (let quiet = 0; quiet < 3 && Date.now() < deadline;) {
    const [merges] = await clickhouse.query<{ n: string }>(
      'SELECT count() AS n FROM system.merges',
    );
    quiet = merges?.n === '0' ? quiet + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
