import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChdbConnection } from 'chdb/connection';

/** The engine inside this process, so that its CPU time is this process's. */
export interface Engine {
  readonly dataDir: string;
  run(sql: string): Promise<void>;
  rows<T>(sql: string): Promise<T[]>;
  timed(sql: string): Promise<{ ms: number; answer: string }>;
  close(): Promise<void>;
}

export function openEngine(dataDir?: string): Engine {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'ledgerline-bench-table-'));
  const connection = createChdbConnection({ path: folder });
  const { chdb } = connection;
  return {
    dataDir: folder,
    async run(sql) {
      await chdb.queryAsync(sql);
    },
    async rows<T>(sql: string) {
      const result = await chdb.queryAsync(sql, { format: 'JSONEachRow' });
      const lines = result.text().split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
    },
    async timed(sql) {
      const start = performance.now();
      const result = await chdb.queryAsync(sql, { format: 'JSONCompactEachRow' });
      return { ms: performance.now() - start, answer: result.text() };
    },
    async close() {
      await connection.close();
      if (dataDir === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** CPU seconds, of all threads of this process, that `work` took. */
export async function cpuSeconds(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const spent = process.cpuUsage(before);
  return (spent.user + spent.system) / 1e6;
}
