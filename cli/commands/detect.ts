import { Command } from 'commander';
import type { DetectCommandOptions } from '../actions/detect.ts';
import { withReadingOptions } from '../search/options.ts';

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
      const { runDetect } = await import('../actions/detect.ts');
      await runDetect(options);
    });
