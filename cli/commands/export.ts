import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { EXPORT_FORMATS, type ExportFormat } from '../../clickhouse/index.ts';
import { readEnvironment } from '../environment.ts';
import { exportFile } from '../export/export-file.ts';
import { manifestOf } from '../export/manifest.ts';
import { exportProgress } from '../export/progress.ts';
import { UsageError } from '../failure.ts';
import { OperatorRecord } from '../operator-record.ts';
import { writeAtOnce } from '../write-at-once.ts';
import { reading, type ReadingOptions, withReadingOptions } from '../search/options.ts';
import { counted, print, say, size } from '../terminal.ts';

interface ExportCommandOptions extends ReadingOptions {
  readonly format: ExportFormat;
  readonly output: string;
  readonly force?: true;
  readonly reason?: string;
  readonly actor?: string;
}

export const exportCommand = (): Command =>
  withReadingOptions(
    new Command('export')
      .summary('take events out into a file, whole')
      .description(
        `Writes all events that a query matches into a file, by tenant and time, with constant memory. The file
appears under its name only when it is whole: its rows are compared with the query's own count. Beside it
lies FILE.manifest.json with the query, the time range, the count and the SHA-256. The export is recorded
in the ledger.`,
      )
      .argument('[query]', 'as for `ledgerline search`; everything when left out', '')
      .addOption(
        new Option('--format <format>', 'of the file').choices(EXPORT_FORMATS).default('ndjson'),
      )
      .requiredOption('-o, --output <file>', 'where to')
      .option('--force', 'replace a file that is there')
      .option('--reason <text>', 'why, for the record')
      .option('--actor <id>', "who, for the record; this system's user by default")
      .option('--json', 'print the manifest as one line of JSON'),
    { timeoutS: 21_600 },
  )
    .addHelpText(
      'after',
      `
ndjson holds wire rows, which \`ledgerline emit\` reads back; csv is made safe for spreadsheets; parquet is for analysis.

Examples:
  $ ledgerline export 'actor:user/u_7 since:90d' --format csv -o u_7.csv --reason "access request 12"
  $ ledgerline export --tenant acme --format parquet -o acme.parquet
  $ sha256sum u_7.csv && cat u_7.csv.manifest.json`,
    )
    .action(async (query: string, options: ExportCommandOptions) => {
      const { output, format } = options;
      if (existsSync(output) && !options.force) {
        throw new UsageError(`${output} is there already.`, 'Name another file, or add --force.');
      }
      await using record = await OperatorRecord.open(readEnvironment(process.env));
      await reading(
        query,
        options,
        async (clickhouse, ask) => {
          const progress = exportProgress();
          const exported = await exportFile(clickhouse, query, {
            ...ask,
            format,
            path: output,
            onPlan: ({ rows }) => progress.start(rows),
            onBytes: (bytes, rows) => progress.bytes(bytes, rows),
          }).finally(() => progress.stop());
          const manifest = manifestOf(output, exported);
          await writeAtOnce(`${output}.manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
          const { rows, bytes, sha256, storedUntil, tenants } = manifest;
          await record.add({
            type: 'ledger.exported',
            data: { query, format, storedUntil, rows, bytes, sha256, ...(tenants && { tenants }) },
            reason: options.reason,
            actor: options.actor,
          });
          if (options.json) print(JSON.stringify(manifest));
          else say(`${counted(rows, 'event')}, ${size(bytes)}, in ${output}; sha256 ${sha256}`);
        },
        { recorded: false },
      );
    });
