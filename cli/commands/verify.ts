import { Command } from 'commander';
import { verify } from '../../consumers/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { interruptible } from '../interrupt.ts';
import { periodOf } from '../policy/period.ts';
import { print, say } from '../terminal.ts';
import { verifyProgress } from '../verify/progress.ts';
import { faultLines, noteLines, reportTable, verdict } from '../verify/report.ts';

interface VerifyCommandOptions {
  readonly since?: string;
  readonly deep?: true;
  readonly json?: true;
}

export const verifyCommand = (): Command =>
  new Command('verify')
    .summary('prove that every event is stored once')
    .description(
      `Compares, partition by partition, every offset that Kafka holds with the ledger: stored once,
doubled, quarantined, missing, expired, not yet consumed; and the producers' own numbers with what came:
lost before Kafka, with the cause that they reported or without. With --deep it reads everything that Kafka
holds and compares the contents, too. Workers may run meanwhile. docs/verify.md has every word of the report.

The exit code is 0 when every offset and number is accounted for, 1 when one is missing, doubled, altered or
absent without a reason, or when it could not be found out, 2 for a usage error, 130 when interrupted.`,
    )
    .option(
      '--since <time>',
      'only what Kafka took since then: a date, an instant, or 7d, 12h, 30m',
    )
    .option('--deep', 'compare contents, too: reads all that Kafka holds')
    .option('--json', 'print the report as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline verify
  $ ledgerline verify --since 24h --deep
  $ ledgerline verify --json | jq .totals
  $ LEDGERLINE_KAFKA_TOPIC=audit.events LEDGERLINE_KAFKA_GROUP=ledgerline ledgerline verify`,
    )
    .action(async ({ since, deep, json }: VerifyCommandOptions) => {
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
    });
