import { rename, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { timeBounds } from '../../clickhouse/search/bounds.ts';
import { formatMicros } from '../../schemas/instant.ts';
import { packageVersion } from '../package-version.ts';
import type { Exported } from './export-file.ts';

/** What lies beside an export, so that whoever gets it can see what it is and that it is whole. */
export interface Manifest {
  readonly ledgerline: string;
  readonly file: string;
  readonly format: string;
  readonly query: string;
  /** Of the query's dates that name none. */
  readonly timeZone: string;
  /** The time that the query asks about, relative times and dates resolved: `before` is not in it. `null`: open. */
  readonly from: string | null;
  readonly before: string | null;
  /** `null`: every tenant's. */
  readonly tenants: readonly string[] | null;
  /** Events that were stored up to this moment. */
  readonly storedUntil: string;
  /** Of the events in it; `null` where there are none. */
  readonly earliest: string | null;
  readonly latest: string | null;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly exportedAt: string;
}

export function manifestOf(path: string, { plan, ...whole }: Exported): Manifest {
  const { from, before } = timeBounds(plan.asked.condition);
  return {
    ledgerline: packageVersion(),
    file: basename(path),
    format: plan.format,
    query: plan.query,
    timeZone: plan.asked.timeZone,
    from: timeOf(from),
    before: timeOf(before),
    tenants: plan.tenants ?? null,
    storedUntil: plan.storedUntil,
    earliest: plan.earliest ?? null,
    latest: plan.latest ?? null,
    ...whole,
  };
}

const timeOf = (micros: number | undefined): string | null =>
  micros === undefined ? null : (formatMicros(micros) ?? null);

/** Beside which file it lies. */
export const manifestPath = (path: string): string => `${path}.manifest.json`;

/** Writes it so that it is there when `work` is done, and not where that fails. It names whom a query is about: 0600. */
export async function withManifest(
  path: string,
  manifest: Manifest,
  work: () => Promise<void>,
): Promise<void> {
  const beside = `${manifestPath(path)}.partial`;
  try {
    await writeFile(beside, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
    await work();
    await rename(beside, manifestPath(path));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
