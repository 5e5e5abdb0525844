import { detect } from '../../clickhouse/detection/detect.ts';
import { DETECTORS } from '../../clickhouse/detectors/all.ts';
import { recordFindings } from '../detection/recording.ts';
import { detectorLines, findingLines, unjudgedLine } from '../detection/report.ts';
import { thresholdsOf } from '../detection/thresholds.ts';
import { readEnvironment } from '../environment.ts';
import { UsageError } from '../failure.ts';
import { periodOf } from '../policy/period.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { counted, print, say } from '../terminal.ts';

export interface DetectCommandOptions extends ReadingOptions {
  readonly since?: string;
  readonly until?: string;
  readonly only?: string;
  readonly set: readonly string[];
  readonly list?: true;
  readonly record: boolean;
}

export async function runDetect(options: DetectCommandOptions): Promise<void> {
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
  const looked = `since:${new Date(sinceMs).toISOString()} until:${new Date(untilMs).toISOString()}`;
  await reading(looked, options, async (clickhouse, ask) => {
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
}

/** One line that is written over. */
function showProgress(done: number, total: number): void {
  process.stderr.write(done === total ? '\r\u001b[K' : `\rlooked at ${done} of ${total}`);
}
