import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Stack, startStack } from '../../local/stack.ts';
import { PROJECT_ROOT } from '../../local/project-root.ts';
import { makeTemplate } from './ledger-template.ts';
import { makeRunFolder } from './run-folder.ts';

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
  const folder = makeRunFolder();
  let stack: Stack | undefined;
  const end = async (): Promise<void> => {
    try {
      await stack?.stop();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  try {
    stack = await startStack({ dataDir: join(folder, 'stack') });
    await makeTemplate(stack.engine.url);
    project.provide('brokers', [...stack.kafka.brokers]);
    project.provide('clickhouseUrl', stack.engine.url);
    return end;
  } catch (error) {
    await end();
    throw error;
  }
}
