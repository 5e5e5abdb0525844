import { Command } from 'commander';
import { detect, DETECTORS } from '../../clickhouse/index.ts';
import { recordFindings } from '../detection/recording.ts';
import { detectorLines, findingLines, unjudgedLine } from '../detection/report.ts';
import { thresholdsOf } from '../detection/thresholds.ts';
import { readEnvironment } from '../environment.ts';
import { UsageError } from '../failure.ts';
import { periodOf } from '../policy/period.ts';
import { safeJson } from '../search/json.ts';
import { reading, type ReadingOptions, withReadingOptions } from '../search/options.ts';
import { counted, print, say } from '../terminal.ts';

interface DetectCommandOptions extends ReadingOptions {
  readonly since?: string;
  readonly until?: string;
  readonly only?: string;
  readonly set: readonly string[];
  readonly list?: true;
  readonly record: boolean;
}

export const detectCommand = (): Command =>
  withReadingOptions(
    new Command('detect')
      .summary('look for unusual activity')
      .description(
        `Compares what happened with what usually happens, and prints what stands out: what, why, how unusual, the
search that shows it, and event ids. Findings are stored as events of the type ledger.finding.reported; found
again, the same finding is stored once. Whole hours are looked at. See docs/detection.md.`,
      )
      .option('--since <time>', 'a date, an instant, or how long ago: 7d, 12h, 30m')
      .option('--until <time>', 'as --since; now by default')
      .option('--only <detectors>', 'names, separated by commas; all by default')
      .option(
        '--set <detector.threshold=value>',
        'another value of a threshold; may be repeated',
        (setting: string, known: readonly string[]) => [...known, setting],
        [] as readonly string[],
      )
      .option('--list', 'print the detectors with their thresholds, and look for nothing')
      .option('--no-record', 'only print: store no findings')
      .option('--json', 'print one line of JSON'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline detect --since 24h
  $ ledgerline detect --since 7d --tenant acme --only new-address,unusual-hour --no-record
  $ ledgerline detect --since 2026-11-01 --until 2026-11-08 --set actor-volume.z=8 --json
  $ ledgerline detect --list`,
    )
    .action(async (options: DetectCommandOptions) => {
      if (options.list) {
        if (options.json) print(safeJson(DETECTORS));
        else for (const line of DETECTORS.flatMap(detectorLines)) print(line);
        return;
      }
      if (options.since === undefined) {
        throw new UsageError('--since is missing.', 'Say from when on: --since 24h.');
      }
      const { sinceMs, untilMs } = periodOf(options.since, options.until, Date.now());
      const thresholds = thresholdsOf(options.set);
      await reading('', options, async (clickhouse, ask) => {
        const { findings, unjudged, since, until } = await detect(clickhouse, {
          since: new Date(sinceMs),
          until: new Date(untilMs),
          tenant: ask.tenant,
          thresholds,
          ...(options.only !== undefined && { only: options.only.split(',') }),
          ...(ask.timeoutMs !== undefined && { timeoutMs: ask.timeoutMs }),
          ...(ask.signal && { signal: ask.signal }),
          ...(process.stderr.isTTY && { onStep: showProgress }),
        });
        const recorded = options.record
          ? await recordFindings(readEnvironment(process.env), clickhouse, findings)
          : 0;
        if (options.json) {
          print(safeJson({ since, until, findings, unjudged, recorded }));
          return;
        }
        for (const finding of findings) {
          for (const line of findingLines(finding, options.timeZone)) print(line);
        }
        for (const one of unjudged) say(unjudgedLine(one));
        const stored = options.record ? `, ${recorded} of them new and stored` : '';
        say(`${counted(findings.length, 'finding')}${stored}`);
      });
    });

/** One line that is written over. */
function showProgress(done: number, total: number): void {
  process.stderr.write(done === total ? '\r\u001b[K' : `\rlooked at ${done} of ${total}`);
}
