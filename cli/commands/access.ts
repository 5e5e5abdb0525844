import { Command } from 'commander';
import { type AccessStep, accessStatements } from '../../clickhouse/index.ts';
import { readEnvironment } from '../environment.ts';
import { print } from '../terminal.ts';

export const accessCommand = (): Command =>
  new Command('access')
    .summary("who may read and write the ledger's tables, as SQL")
    .description('Roles and row policies in ClickHouse. See docs/access.md.')
    .addCommand(sqlCommand());

interface SqlOptions {
  readonly tenant: readonly string[];
  readonly cluster?: string;
  readonly database?: string;
  readonly json?: true;
}

const sqlCommand = (): Command =>
  new Command('sql')
    .summary('print the statements that make the roles')
    .description(
      `Prints roles and row policies: a writer that can only insert, one for retention, one for auditors of all
tenants, and a reader for each tenant. Nothing is connected to and nothing is run: read it, then run it as an
administrator. It can be run again, with more tenants.`,
    )
    .option('--tenant <id>', 'a tenant with readers of its own; may be repeated', gathered, [])
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
    .action((options: SqlOptions) => {
      const { clickhouse } = readEnvironment(process.env).worker;
      const place = {
        database: options.database ?? clickhouse.database,
        cluster: options.cluster ?? clickhouse.cluster,
      };
      const steps = accessStatements(options.tenant, place);
      if (options.json) print(JSON.stringify({ ...place, cluster: place.cluster ?? null, steps }));
      else print(asSql(steps));
    });

const gathered = (tenant: string, before: readonly string[]): readonly string[] => [
  ...before,
  tenant,
];

/** Comments hold no line breaks: tenants' names are checked for them. */
const asSql = (steps: readonly AccessStep[]): string =>
  steps.map(({ says, statements }) => `-- ${says}\n${statements.join(';\n')};`).join('\n\n');
