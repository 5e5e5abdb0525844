/** Makes the next question find nothing in memory, as far as this machine lets it. */
import { spawnSync } from 'node:child_process';
import type { ClickHouse } from '../../clickhouse/index.ts';

/** Of the engine: marks, decompressed blocks, keys, what conditions matched. */
const ENGINE_CACHES = [
  'MARK CACHE',
  'UNCOMPRESSED CACHE',
  'INDEX MARK CACHE',
  'INDEX UNCOMPRESSED CACHE',
  'PRIMARY INDEX CACHE',
  'QUERY CONDITION CACHE',
  'QUERY CACHE',
];

export interface Coldness {
  /** The engine's caches that were dropped. */
  readonly engine: readonly string[];
  /** How the operating system's pages were. */
  readonly pages: 'posix_fadvise' | 'kept';
}

export async function makeCold(clickhouse: ClickHouse, folder: string): Promise<Coldness> {
  const engine: string[] = [];
  for (const cache of ENGINE_CACHES) {
    try {
      await clickhouse.command(`SYSTEM DROP ${cache}`);
      engine.push(cache.toLowerCase());
    } catch {
      // Not all versions have all of them: what was dropped is told.
    }
  }
  return { engine, pages: dropPages(folder) };
}

/**
 * The machine's own switch would empty its neighbours' memory too, and is not for everybody: coreutils' dd
 * drops the pages of single files, once they are written.
 */
function dropPages(folder: string): Coldness['pages'] {
  const each = 'sync "$@"; for f; do dd if="$f" iflag=nocache count=0 status=none; done';
  const { status } = spawnSync(
    'find',
    [
      folder,
      '-type',
      'f',
      '-path',
      '*/store/*',
      '-size',
      '+0',
      '-exec',
      'sh',
      '-c',
      each,
      'sh',
      '{}',
      '+',
    ],
    { timeout: 300_000 },
  );
  return status === 0 ? 'posix_fadvise' : 'kept';
}
