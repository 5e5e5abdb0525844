import { Command } from 'commander';
import type { VerifyCommandOptions } from '../actions/verify.ts';

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
    .action(async (options: VerifyCommandOptions) => {
      const { runVerify } = await import('../actions/verify.ts');
      await runVerify(options);
    });
