import { createReadStream, existsSync } from 'node:fs';
import { uuidv7 } from '../../schemas/index.ts';
import { builtInCatalog } from '../emit/built-in-catalog.ts';
import { emitLines, type Source } from '../emit/emit-lines.ts';
import { readEnvironment } from '../environment.ts';
import type { ExitCode } from '../exit-codes.ts';
import { UsageError } from '../failure.ts';
import { concluded, type JobResult, publishingJob } from '../publishing-job.ts';
import { counted, print, say } from '../terminal.ts';

export interface EmitOptions {
  readonly service: string;
  readonly tenant: string;
  readonly json?: true;
}

export async function runEmit(files: string[], options: EmitOptions): Promise<void> {
  process.exitCode = await emit(files, options);
}

async function emit(files: readonly string[], options: EmitOptions): Promise<ExitCode> {
  const environment = readEnvironment(process.env);
  const sources = sourcesOf(files);
  let seq = 0;
  const defaults = {
    service: options.service,
    tenant: options.tenant,
    catalog: builtInCatalog,
    producer: { id: uuidv7(), nextSeq: () => (seq += 1) },
    newId: () => uuidv7(),
    now: () => new Date(),
  };
  let lines = 0;
  const result = await publishingJob(environment, async ({ publishing, signal, bad }) => {
    for (const open of sources) {
      if (signal.aborted) return;
      const source = open(signal);
      lines += (await emitLines({ source, defaults, publishing, signal, onBad: bad })).lines;
    }
  });
  const { stored, bad, lost } = result;
  if (options.json) print(JSON.stringify({ lines, stored, bad, lost }));
  else say(summary(result));
  return concluded(result);
}

function summary({ stored, bad, lost }: JobResult): string {
  const parts = [`${counted(stored, 'event')} recorded`];
  if (bad > 0) parts.push(`${counted(bad, 'bad line')}`);
  if (lost > 0) parts.push(`${counted(lost, 'event')} that Kafka did not take`);
  return parts.join(', ');
}

type Open = (signal: AbortSignal) => Source;

/** @throws UsageError naming every file that is not there, before anything is read */
function sourcesOf(files: readonly string[]): Open[] {
  const missing = files.filter((file) => file !== '-' && !existsSync(file));
  if (missing.length > 0) {
    throw new UsageError(`There is no file ${missing.join(', ')}`, 'Name files that exist.');
  }
  const names = files.length === 0 ? ['-'] : files;
  return names.map((file) => (signal) => {
    const bytes = file === '-' ? process.stdin : createReadStream(file);
    signal.addEventListener('abort', () => bytes.destroy(), { once: true });
    return { name: file === '-' ? undefined : file, bytes };
  });
}
