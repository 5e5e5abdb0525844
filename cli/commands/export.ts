import { Command, Option } from 'commander';
import { EXPORT_FORMATS } from '../../clickhouse/export/formats.ts';
import type { ExportCommandOptions } from '../actions/export.ts';
import { withReadingOptions } from '../search/options.ts';

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
      .option(
        '--held-back',
        'where an insert has been at work for over a minute: take out what was stored before it, instead of refusing',
      )
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
      const { runExport } = await import('../actions/export.ts');
      await runExport(query, options);
    });
