import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import {
  type ExportOptions,
  type ExportPlan,
  openExport,
  planExport,
} from '../../clickhouse/export/export.ts';
import type { ClickHouse } from '../../clickhouse/index.ts';
import { LedgerlineError } from '../../schemas/errors.ts';
import { rowCounting } from './row-counting.ts';

/** An export that is whole: as many rows as the query itself counted. */
export interface Exported {
  readonly plan: ExportPlan;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  /** When it was whole; ISO 8601. */
  readonly exportedAt: string;
}

export interface ExportFileOptions extends ExportOptions {
  readonly path: string;
  readonly onPlan: (plan: ExportPlan) => void;
  readonly onBytes: (bytes: number, rows: number | undefined) => void;
  /** What has to be done before the file appears under its name; it does not where this fails. */
  readonly onWhole: (exported: Exported) => Promise<void>;
}

/** How long ClickHouse may send nothing. */
const STALLED_MS = 120_000;
/** Rows may be removed between the count and the export: then both are done once more. */
const ATTEMPTS = 2;

/**
 * Writes a query's events into a file, which appears under its name only when it is whole.
 *
 * @throws LedgerlineError `EXPORT_INCOMPLETE` when the rows do not agree with the query's own count;
 *   and as `search`. No file is left behind then.
 */
export async function exportFile(
  clickhouse: ClickHouse,
  query: string,
  options: ExportFileOptions,
): Promise<Exported> {
  for (let attempt = 1; ; attempt += 1) {
    const plan = await planExport(clickhouse, query, options);
    options.onPlan(plan);
    const written = await write(clickhouse, plan, options);
    if (written.rows === plan.rows)
      return show({ plan, ...written, exportedAt: new Date().toISOString() }, options);
    await rm(partial(options.path), { force: true });
    if (attempt === ATTEMPTS) throw incomplete(written.rows, plan.rows);
  }
}

async function show(exported: Exported, { path, onWhole }: ExportFileOptions): Promise<Exported> {
  try {
    await onWhole(exported);
    await rename(partial(path), path);
    return exported;
  } catch (error) {
    await rm(partial(path), { force: true });
    throw diskFault(error, path);
  }
}

const partial = (path: string): string => `${path}.partial`;

async function write(
  clickhouse: ClickHouse,
  plan: ExportPlan,
  options: ExportFileOptions,
): Promise<Omit<Exported, 'plan' | 'exportedAt'>> {
  const path = partial(options.path);
  const stalled = new AbortController();
  const signal = options.signal
    ? AbortSignal.any([options.signal, stalled.signal])
    : stalled.signal;
  const watch = setTimeout(() => stalled.abort(tooSlow()), STALLED_MS);
  const counting = rowCounting(plan.format);
  const hash = createHash('sha256');
  let bytes = 0;
  const heard = new Transform({
    transform(chunk: Buffer, _, done) {
      watch.refresh();
      hash.update(chunk);
      bytes += chunk.length;
      options.onBytes(bytes, counting.rows());
      done(null, chunk);
    },
  });
  try {
    const rows = await openExport(clickhouse, plan, { ...options, signal });
    await pipeline(rows, counting.stream, heard, createWriteStream(path, { mode: 0o600 }), {
      signal,
    });
    const counted = counting.rows() ?? (await parquetRows(path, bytes));
    return { rows: counted, bytes, sha256: hash.digest('hex') };
  } catch (error) {
    await rm(path, { force: true });
    if (stalled.signal.aborted && !options.signal?.aborted) throw stalled.signal.reason;
    throw diskFault(error, options.path);
  } finally {
    clearTimeout(watch);
  }
}

/** A Parquet file says at its end how many rows it has; a file that was cut off has no such end. */
async function parquetRows(path: string, bytes: number): Promise<number> {
  if ((await stat(path)).size !== bytes) return -1;
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path));
  return Number(metadata.num_rows);
}

/** What the system says about a file, as a fault of the export. */
function diskFault(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const said: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the quota is used up',
    EFBIG: 'the file would be larger than is allowed here',
    EACCES: 'no permission to write there',
    EROFS: 'the file system is read-only',
    ENOENT: 'there is no such folder',
    EISDIR: 'it is a folder',
  };
  const reason = said[code];
  if (reason === undefined) return error;
  return new LedgerlineError('EXPORT_INCOMPLETE', `${path} was not written: ${reason}.`, {
    hint: 'Nothing of it was left behind. Name another file with -o, or make room.',
    cause: error,
  });
}

const incomplete = (got: number, expected: number): LedgerlineError =>
  new LedgerlineError(
    'EXPORT_INCOMPLETE',
    `The export has ${got} events, and the query itself counts ${expected}: it was thrown away.`,
    { hint: 'Run it again; if it says so again, run `ledgerline verify`.' },
  );

const tooSlow = (): LedgerlineError =>
  new LedgerlineError(
    'DEADLINE_EXCEEDED',
    `ClickHouse has sent nothing for ${STALLED_MS / 1000} seconds: the export was thrown away.`,
    { hint: 'Look at its load, and run the export again.' },
  );
