import { readEnvironment } from '../environment.ts';
import type { ExitCode } from '../exit-codes.ts';
import { cloudTrail } from '../import/cloudtrail/event.ts';
import { importFile } from '../import/import-file.ts';
import { checkPaths, inputFiles } from '../import/input-files.ts';
import { kubernetes } from '../import/kubernetes.ts';
import { loadMapping } from '../import/load-mapping.ts';
import { type LogReader, readerOf } from '../import/log-reader.ts';
import { progressBar } from '../import/progress.ts';
import { concluded, publishingJob } from '../publishing-job.ts';
import { counted, print, say } from '../terminal.ts';

export interface ImportOptions {
  readonly json?: true;
  readonly tenant?: string;
}

export async function runCloudTrail(paths: string[], options: ImportOptions): Promise<void> {
  process.exitCode = await importLogs(cloudTrail, paths, options);
}

export async function runKubernetes(paths: string[], options: ImportOptions): Promise<void> {
  process.exitCode = await importLogs(readerOf(kubernetes), paths, options);
}

export async function runCustom(
  paths: string[],
  options: ImportOptions & { readonly mapping: string },
): Promise<void> {
  const mapping = await loadMapping(options.mapping);
  process.exitCode = await importLogs(readerOf(mapping), paths, options);
}

async function importLogs(
  reader: LogReader,
  paths: readonly string[],
  options: ImportOptions,
): Promise<ExitCode> {
  const environment = readEnvironment(process.env);
  await checkPaths(paths);
  const progress = progressBar(await totalBytes(paths, reader));
  let files = 0;
  let records = 0;
  let skipped = 0;
  try {
    const result = await publishingJob(
      environment,
      async ({ publishing, signal, bad }) => {
        for await (const file of inputFiles(paths, reader.files)) {
          if (signal.aborted) return;
          files += 1;
          const done = await importFile({
            file,
            reader,
            tenant: options.tenant,
            publishing,
            signal,
            onBad: (path, index, reason) =>
              bad(index === undefined ? path : `${path}, record ${index}`, reason),
            onBytes: (bytes) => progress.add(bytes),
          });
          records += done.records;
          skipped += done.skipped;
          progress.records(records);
        }
      },
      (line) => progress.around(line),
    );
    progress.stop();
    const { stored, bad, lost } = result;
    const counts = { files, records, skipped, stored, bad, lost };
    if (options.json) print(JSON.stringify(counts));
    else say(summary(counts));
    return concluded(result);
  } finally {
    progress.stop();
  }
}

/** Only a bar needs to know the end beforehand. */
async function totalBytes(paths: readonly string[], { files }: LogReader): Promise<number> {
  if (!process.stderr.isTTY) return 0;
  let total = 0;
  for await (const { bytes } of inputFiles(paths, files)) total += bytes;
  return total;
}

interface Counts {
  readonly files: number;
  readonly records: number;
  readonly skipped: number;
  readonly stored: number;
  readonly bad: number;
  readonly lost: number;
}

function summary({ files, records, skipped, stored, bad, lost }: Counts): string {
  const parts = [
    `${counted(files, 'file')}, ${counted(records, 'record')}: ${counted(stored, 'event')} sent to the ledger`,
  ];
  if (skipped > 0) parts.push(`${counted(skipped, 'record')} passed over`);
  if (bad > 0) parts.push(`${counted(bad, 'fault')}`);
  if (lost > 0) parts.push(`${counted(lost, 'event')} that Kafka did not take`);
  return parts.join(', ');
}
