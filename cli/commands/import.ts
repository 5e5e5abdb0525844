import { Command } from 'commander';
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

interface ImportOptions {
  readonly json?: true;
  readonly tenant?: string;
}

export const importCommand = (): Command =>
  new Command('import')
    .summary('bring audit logs of other systems into the ledger')
    .description(
      `Brings audit logs of other systems into the ledger, with their original times, as retention class
archive. Importing the same record again, also at the same time, stores nothing twice. Bad records
are reported by file and place, the rest goes on, and the exit code is 1.`,
    )
    .addCommand(cloudTrailCommand())
    .addCommand(kubernetesCommand())
    .addCommand(customCommand());

const cloudTrailCommand = (): Command =>
  new Command('cloudtrail')
    .summary('import AWS CloudTrail files')
    .description(
      `Maps every record of CloudTrail files, and of folders of them (.json and .json.gz, recursively),
to an event: type aws.<service>.<EventName>, category cloud, retention class archive. Importing the
same record again, also at the same time, stores nothing twice. Bad records are reported by file and
place, the rest goes on, and the exit code is 1.`,
    )
    .argument('<path...>', 'files and folders')
    .option('--json', 'print the summary as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ aws s3 sync s3://my-trail/AWSLogs ./AWSLogs && ledgerline import cloudtrail ./AWSLogs
  $ ledgerline import cloudtrail 1234_CloudTrail_us-east-1_20230710T1145Z_x.json.gz
  $ ledgerline query "SELECT actor_name, count() FROM audit_events WHERE category = 'cloud' AND outcome = 'denied' GROUP BY 1"`,
    )
    .action(async (paths: string[], options: ImportOptions) => {
      process.exitCode = await importLogs(cloudTrail, paths, options);
    });

const kubernetesCommand = (): Command =>
  new Command('kubernetes')
    .summary("import Kubernetes' audit logs")
    .description(
      `Maps every finished request of Kubernetes' audit logs (audit.k8s.io/v1: one event per line, or
EventLists; .json, .jsonl, .ndjson and .log, each also .gz, folders recursively) to an event: type
k8s.<resource>.<verb>, category kubernetes, retention class archive. The contents of secrets are masked.`,
    )
    .argument('<path...>', 'files and folders')
    .option('--tenant <name>', "the events' tenant, such as the cluster's name", 'default')
    .option('--json', 'print the summary as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline import kubernetes --tenant prod-eu /var/log/kubernetes/audit
  $ ledgerline query "SELECT actor_id, target_id FROM audit_events WHERE event_type = 'k8s.pods.exec.create'"`,
    )
    .action(async (paths: string[], options: ImportOptions) => {
      process.exitCode = await importLogs(readerOf(kubernetes), paths, options);
    });

const customCommand = (): Command =>
  new Command('custom')
    .summary('import logs of any system, with a mapping of your own')
    .description(
      `Maps every record of JSON files (one record per line, a list, or a document) by the module that
--mapping names: its default export says what a record is as an event. docs/import.md shows one.`,
    )
    .argument('<path...>', 'files and folders')
    .requiredOption('--mapping <file>', 'an ES module whose default export is the mapping')
    .option('--tenant <name>', 'the tenant of events that name none of their own')
    .option('--json', 'print the summary as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline import custom --mapping ./door-locks.mjs ./door-logs
  $ zcat old.json.gz | ledgerline import custom --mapping ./door-locks.mjs /dev/stdin`,
    )
    .action(async (paths: string[], options: ImportOptions & { readonly mapping: string }) => {
      const mapping = await loadMapping(options.mapping);
      process.exitCode = await importLogs(readerOf(mapping), paths, options);
    });

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
