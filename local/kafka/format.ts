import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { LedgerlineError } from '../../schemas/index.ts';
import { lastLines } from '../last-lines.ts';

const TIMEOUT_MS = 30_000;
/** What the tool puts into a folder besides its name: the features that a new cluster begins with. */
const CHECKPOINT = 'bootstrap.checkpoint';

export interface Formatting {
  readonly java: string;
  readonly classPath: string;
  /** The server.properties that name the folder. */
  readonly properties: string;
  /** The folder of the node's data. */
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Of SCRAM, with their passwords. */
  readonly users: Readonly<Record<string, string>>;
  readonly clusterId: string;
  /** Whether its settings are the ones of every folder: no `config` of the caller's. */
  readonly isUsual: boolean;
}

/** 16 random bytes, with another leading character than a dash, which Kafka's tool would read as an option. */
export const newId = (): string => randomBytes(16).toString('base64url').replace(/^-/, 'A');

/**
 * Makes the folder a Kafka folder of a cluster. Kafka's tool takes a JVM of its own, a second of CPU time, to
 * write the same each time but for the ids: where settings are the usual ones, its file is kept beside the
 * jars, by the name of Kafka's own, and copied.
 *
 * @throws LedgerlineError LOCAL_START_FAILED, with the last lines of what the tool says
 */
export async function formatFolder(part: Formatting): Promise<void> {
  const { dataDir, clusterId } = part;
  const kept = await keptFile(dirname(part.classPath));
  const isUsual = part.isUsual && Object.keys(part.users).length === 0;
  if (!isUsual || !existsSync(kept)) {
    await runTool(part);
    if (isUsual) await keep(join(dataDir, CHECKPOINT), kept);
    return;
  }
  await mkdir(dataDir, { recursive: true });
  await copyFile(kept, join(dataDir, CHECKPOINT));
  // The last of it: a folder that has it counts as formatted.
  await writeFile(
    join(dataDir, 'meta.properties'),
    `version=1\ncluster.id=${clusterId}\nnode.id=1\ndirectory.id=${newId()}\n`,
  );
}

async function keptFile(jars: string): Promise<string> {
  const kafka = (await readdir(jars)).find((name) => name.startsWith('kafka_')) ?? 'kafka';
  return join(dirname(jars), `${kafka}.${CHECKPOINT}`);
}

/** Whole or not at all; where the folder cannot be written, the next start takes a second longer. */
async function keep(made: string, kept: string): Promise<void> {
  const partial = `${kept}.${process.pid}`;
  try {
    await copyFile(made, partial);
    await rename(partial, kept);
  } catch {
    await rm(partial, { force: true }).catch(() => undefined);
  }
}

async function runTool(part: Formatting): Promise<void> {
  const { java, classPath, properties, env, clusterId } = part;
  const args = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', classPath, 'kafka.tools.StorageTool'];
  const users = Object.entries(part.users).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
  const command = [...args, 'format', '-t', clusterId, '-c', properties, ...users];
  try {
    await promisify(execFile)(java, command, { env, timeout: TIMEOUT_MS });
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    throw new LedgerlineError(
      'LOCAL_START_FAILED',
      `Kafka could not format its data folder: ${lastLines(output) || String(error)}`,
      { hint: 'Remove the data folder to start afresh.', cause: error },
    );
  }
}
