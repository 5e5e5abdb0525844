import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startStack } from '../../local/stack.ts';
import { PROJECT_ROOT } from '../../local/project-root.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the run's one Kafka broker. */
    brokers: string[];
    /** Of the run's one ClickHouse engine. */
    clickhouseUrl: string;
  }
}

/**
 * One Kafka and one engine for the whole run, in a folder of their own. Test files tell
 * themselves apart by random topics and databases; those that kill a part start their own.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(join(PROJECT_ROOT, 'dist', 'local', 'engine-process.js'))) {
    throw new Error('The tests run child processes from dist/. Build it first: npm run ready');
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'ledgerline-test-'));
  try {
    const stack = await startStack({ dataDir });
    project.provide('brokers', [...stack.kafka.brokers]);
    project.provide('clickhouseUrl', stack.engine.url);
    return async () => {
      try {
        await stack.stop();
      } finally {
        rmSync(dataDir, { recursive: true, force: true });
      }
    };
  } catch (error) {
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  }
}
