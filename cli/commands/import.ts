import { Command } from 'commander';
import { readEnvironment } from '../environment.ts';
import type { ExitCode } from '../exit-codes.ts';
import { importFile } from '../import/import-file.ts';
import { checkPaths, inputFiles } from '../import/input-files.ts';
import { progressBar } from '../import/progress.ts';
import { concluded, publishingJob } from '../publishing-job.ts';
import { counted, print, say } from '../terminal.ts';

interface ImportOptions {
  readonly json?: true;
}

export const importCommand = (): Command =>
  new Command('import')
    .summary('bring audit logs of other systems into the ledger')
    .description('Brings audit logs of other systems into the ledger, with their original times.')
    .addCommand(cloudTrailCommand());

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
      process.exitCode = await importCloudTrail(paths, options);
    });

async function importCloudTrail(
  paths: readonly string[],
  options: ImportOptions,
): Promise<ExitCode> {
  const environment = readEnvironment(process.env);
  await checkPaths(paths);
  const progress = progressBar(await totalBytes(paths));
  let files = 0;
  let records = 0;
  try {
    const result = await publishingJob(
      environment,
      async ({ publishing, signal, bad }) => {
        for await (const file of inputFiles(paths)) {
          if (signal.aborted) return;
          files += 1;
          const done = await importFile({
            file,
            publishing,
            signal,
            onBad: (path, index, reason) =>
              bad(index === undefined ? path : `${path}, record ${index}`, reason),
            onBytes: (bytes) => progress.add(bytes),
          });
          records += done.records;
          progress.records(records);
        }
      },
      (line) => progress.around(line),
    );
    progress.stop();
    const { stored, bad, lost } = result;
    const counts = { files, records, stored, bad, lost };
    if (options.json) print(JSON.stringify(counts));
    else say(summary(counts));
    return concluded(result);
  } finally {
    progress.stop();
  }
}

/** Only a bar needs to know the end beforehand. */
async function totalBytes(paths: readonly string[]): Promise<number> {
  if (!process.stderr.isTTY) return 0;
  let total = 0;
  for await (const { bytes } of inputFiles(paths)) total += bytes;
  return total;
}

interface Counts {
  readonly files: number;
  readonly records: number;
  readonly stored: number;
  readonly bad: number;
  readonly lost: number;
}

function summary({ files, records, stored, bad, lost }: Counts): string {
  const parts = [
    `${counted(files, 'file')}, ${counted(records, 'record')}: ${counted(stored, 'event')} sent to the ledger`,
  ];
  if (bad > 0) parts.push(`${counted(bad, 'fault')}`);
  if (lost > 0) parts.push(`${counted(lost, 'event')} that Kafka did not take`);
  return parts.join(', ');
}
