import { Command } from 'commander';

export const migrateCommand = (): Command =>
  new Command('migrate')
    .summary("bring ClickHouse to this version's tables")
    .description(
      `Applies the migrations that are missing, then the retention that AUDIT_TRAIL_RETENTION_DAYS,
LEDGERLINE_RETENTION_FILE and AUDIT_TRAIL_CLEANUP_ENABLED ask for. Changing the retention of a ledger
that is in use is recorded in it, which takes Kafka. Running it again, or twice at once, changes nothing more. With
LEDGERLINE_CLICKHOUSE_CLUSTER, tables are made on every node of that cluster, replicated and spread.`,
    )
    .option('--dry-run', 'print the statements that would run, as SQL, and run none')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline migrate
  $ ledgerline migrate --dry-run
  $ LEDGERLINE_CLICKHOUSE_CLUSTER=audit ledgerline migrate --dry-run > review.sql
  $ LEDGERLINE_CLICKHOUSE_URL=https://ch.example:8443 ledgerline migrate
  $ AUDIT_TRAIL_RETENTION_DAYS=30 ledgerline migrate --json`,
    )
    .action(async (options: { readonly json?: true; readonly dryRun?: true }) => {
      const { runMigrate } = await import('../actions/migrate.ts');
      await runMigrate(options);
    });
