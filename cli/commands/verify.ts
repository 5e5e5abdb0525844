import { Command } from 'commander';
import { verify } from '../../consumers/index.ts';
import { withClickHouse } from '../clickhouse-connection.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { print } from '../terminal.ts';
import { faultLines, reportTable, verdict } from '../verify/report.ts';

export const verifyCommand = (): Command =>
  new Command('verify')
    .summary('prove that every event is stored once')
    .description(
      `Compares, partition by partition, every offset that Kafka holds with the ledger: stored once,
doubled, quarantined, missing, not yet consumed. Only reads; workers may run meanwhile. The exit code
is 1 when an offset is missing or doubled.`,
    )
    .option('--json', 'print the report as one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline verify
  $ ledgerline verify --json | jq .totals
  $ LEDGERLINE_KAFKA_TOPIC=audit.events LEDGERLINE_KAFKA_GROUP=ledgerline ledgerline verify`,
    )
    .action(async ({ json }: { readonly json?: true }) => {
      const environment = readEnvironment(process.env);
      const report = await withClickHouse(environment, (clickhouse) =>
        verify({ kafka: environment.worker.kafka, clickhouse }),
      );
      if (json) {
        print(JSON.stringify(report));
      } else {
        print(reportTable(report));
        for (const line of faultLines(report)) print(line);
        print(verdict(report));
      }
      process.exitCode = report.sound ? EXIT.fine : EXIT.faults;
    });
