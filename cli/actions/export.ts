import { existsSync } from 'node:fs';
import type { ExportFormat, InsertAtWork } from '../../clickhouse/index.ts';
import { readEnvironment } from '../environment.ts';
import { type Exported, exportFile } from '../export/export-file.ts';
import { manifestOf, manifestPath, withManifest } from '../export/manifest.ts';
import { exportProgress } from '../export/progress.ts';
import { UsageError } from '../failure.ts';
import { checkOutputFile } from '../output-file.ts';
import { type OperatorAct, OperatorRecord } from '../operator-record.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { safeText } from '../safe-text.ts';
import { asideColours, counted, print, say, size } from '../terminal.ts';

export interface ExportCommandOptions extends ReadingOptions {
  readonly format: ExportFormat;
  readonly output: string;
  readonly force?: true;
  readonly heldBack?: true;
  readonly reason?: string;
  readonly actor?: string;
}

export async function runExport(query: string, options: ExportCommandOptions): Promise<void> {
  const { output, format } = options;
  await checkOutputFile('--output', output);
  await checkOutputFile('--output', manifestPath(output));
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
        ...(options.heldBack && { heldBack: true }),
        onHeldBack: (insert) => say(`waiting for an insert to end, ${insertText(insert)} …`),
        onPlan: ({ rows, storedUntil, heldBackBy }) => {
          if (heldBackBy !== undefined) say(heldBackLine(storedUntil, heldBackBy));
          progress.start(rows);
        },
        onBytes: (bytes, rows) => progress.bytes(bytes, rows),
        // On record before anybody can have it.
        onWhole: (whole) =>
          withManifest(output, manifestOf(output, whole), () =>
            record.add(exportedAct(query, options, whole)),
          ),
      }).finally(() => progress.stop());
      const manifest = manifestOf(output, exported);
      const { rows, bytes, sha256 } = manifest;
      if (options.json) print(JSON.stringify(manifest));
      else say(`${counted(rows, 'event')}, ${size(bytes)}, in ${output}; sha256 ${sha256}`);
    },
    { recorded: false },
  );
}

function exportedAct(
  query: string,
  { reason, actor }: ExportCommandOptions,
  { plan, rows, bytes, sha256 }: Exported,
): OperatorAct {
  const { format, storedUntil, tenants } = plan;
  return {
    type: 'ledger.exported',
    data: { query, format, storedUntil, rows, bytes, sha256, ...(tenants && { tenants }) },
    reason,
    actor,
  };
}

const insertText = ({ since, queryId }: InsertAtWork): string =>
  `at work since ${since}${queryId === undefined ? '' : ` (query id ${safeText(queryId)})`}`;

const heldBackLine = (storedUntil: string, insert: InsertAtWork): string =>
  asideColours.yellow(
    `this is what was stored until ${storedUntil}, and not after it: an insert is ${insertText(insert)}`,
  );
