import { Command } from 'commander';
import type { SqlOptions } from '../actions/access.ts';
import { tenantIds } from '../tenant.ts';

export const accessCommand = (): Command =>
  new Command('access')
    .summary("who may read and write the ledger's tables, as SQL")
    .description('Roles and row policies in ClickHouse. See docs/access.md.')
    .addCommand(sqlCommand());

const sqlCommand = (): Command =>
  new Command('sql')
    .summary('print the statements that make the roles')
    .description(
      `Prints roles and row policies: a writer that can only insert, one for retention, one for auditors of all
tenants, and a reader for each tenant. Nothing is connected to and nothing is run: read it, then run it as an
administrator. It can be run again, with more tenants.`,
    )
    .option('--tenant <id>', 'a tenant with readers of its own; may be repeated', tenantIds, [])
    .option('--cluster <name>', 'the cluster; default: LEDGERLINE_CLICKHOUSE_CLUSTER')
    .option('--database <name>', 'the database; default: LEDGERLINE_CLICKHOUSE_DATABASE')
    .option('--json', 'print one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline access sql --tenant acme --tenant beta
  $ ledgerline access sql --tenant acme --cluster audit > access.sql
  $ ledgerline access sql --json`,
    )
    .action(async (options: SqlOptions) => {
      const { runSql } = await import('../actions/access.ts');
      runSql(options);
    });
