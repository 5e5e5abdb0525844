import { verify } from '../../consumers/verify/verify.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { periodOf } from '../policy/period.ts';
import { print, say } from '../terminal.ts';
import { verifyProgress } from '../verify/progress.ts';
import { faultLines, noteLines, reportTable, verdict } from '../verify/report.ts';

export interface VerifyCommandOptions {
  readonly since?: string;
  readonly deep?: true;
  readonly json?: true;
}

export async function runVerify({ since, deep, json }: VerifyCommandOptions): Promise<void> {
  const environment = readEnvironment(process.env);
  const from = since === undefined ? undefined : periodOf(since, undefined, Date.now()).sinceMs;
  const progress = verifyProgress();
  using interruption = interruptible();
  try {
    const report = await withClickHouse(environment, (clickhouse) =>
      verify({
        kafka: environment.worker.kafka,
        clickhouse,
        since: from === undefined ? undefined : new Date(from),
        deep,
        onProgress: progress.heard,
        signal: interruption.signal,
      }),
    );
    progress.stop();
    if (json) {
      print(JSON.stringify(report));
    } else {
      print(reportTable(report));
      for (const line of [...noteLines(report), ...faultLines(report)]) print(line);
      print(verdict(report));
    }
    process.exitCode = report.sound ? EXIT.fine : EXIT.faults;
  } catch (error) {
    progress.stop();
    if (!interruption.signal.aborted) throw error;
    say('interrupted: nothing was found out');
    process.exitCode = EXIT.interrupted;
  }
}
