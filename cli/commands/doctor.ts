import { Command } from 'commander';

export const doctorCommand = (): Command =>
  new Command('doctor')
    .summary('find what is not well, and how to mend it')
    .description(
      `Looks at all that a ledger stands on: Kafka's version and settings, the topic's partitions, replicas,
retention and message size, ClickHouse's version, the tables against what the migrations make, pending
migrations, clocks, and what this user may do. Only reads, and joins no group. Faults are what stops
workers or could lose events; warnings are what could be better or safer.`,
    )
    .option('--json', 'print one line of JSON')
    .option('--quiet', 'leave out what is well')
    .addHelpText(
      'after',
      `
Exit codes: 0 no fault (there may be warnings), 1 faults were found, 2 faulty configuration.

Examples:
  $ ledgerline doctor
  $ ledgerline doctor --quiet
  $ ledgerline doctor --json | jq '.findings[] | select(.status == "fault")'`,
    )
    .action(async (options: { readonly json?: true; readonly quiet?: true }) => {
      const { runDoctor } = await import('../actions/doctor.ts');
      await runDoctor(options);
    });
