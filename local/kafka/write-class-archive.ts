// Starts a broker once and stops it, so that its JVM leaves an archive of its classes: `npm run ready` runs
// this after the jars came. A JVM that cannot write one is no fault: every start just takes what it took.
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../kafka.ts';
import { CLASS_ARCHIVE } from './class-archive.ts';

const partial = `${CLASS_ARCHIVE}.${process.pid}`;
const dataDir = await mkdtemp(join(tmpdir(), 'ledgerline-classes-'));
try {
  const kafka = await startKafka({ dataDir, writeClassesTo: partial });
  await kafka.stop();
  // Whole or not at all: others may be starting.
  if (existsSync(partial)) await rename(partial, CLASS_ARCHIVE);
} finally {
  await Promise.all([rm(dataDir, { recursive: true, force: true }), rm(partial, { force: true })]);
}
