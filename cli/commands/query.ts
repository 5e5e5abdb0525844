import { Command, Option } from 'commander';
import type { QueryOptions } from '../actions/query.ts';
import { FORMATS } from '../query/formats.ts';
import { addParameter } from '../query/parameters.ts';
import { seconds } from '../seconds.ts';

const DEFAULT_TIMEOUT_S = 60;

export const queryCommand = (): Command =>
  new Command('query')
    .summary('ask the ledger in SQL')
    .description(
      `Runs one SELECT in ClickHouse's SQL and prints the answer. It can only read. Values go in as
{name:Type} and --param name=value, which binds them: they never become part of the SQL; lists and
maps are given as JSON. A table shows the first 1,000 rows; json, ndjson and csv are written by ClickHouse as they stream, of any size.`,
    )
    .argument('<sql>', 'the statement, or "-" to read it from stdin')
    .option('-p, --param <name=value>', 'a bound parameter; may be repeated', addParameter, {})
    .addOption(
      new Option('-f, --format <format>', 'how to print').choices([...FORMATS]).default('table'),
    )
    .option('--json', 'the same as --format json')
    .option('--timeout <seconds>', 'deadline of the whole query', seconds, DEFAULT_TIMEOUT_S)
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline query 'SELECT event_type, count() FROM audit_events GROUP BY 1 ORDER BY 2 DESC'
  $ ledgerline query 'SELECT occurred_at, event_type FROM audit_events WHERE actor_id = {who:String} ORDER BY occurred_at DESC LIMIT 20' --param who=u_7
  $ ledgerline query 'SELECT * FROM audit_events WHERE tenant_id = {t:String}' -p t=acme --format csv > acme.csv
  $ ledgerline query 'SELECT count() FROM audit_events WHERE actor_id IN {ids:Array(String)}' -p 'ids=["u_7","u_8"]'
  $ echo 'SELECT reason, count() FROM audit_quarantine GROUP BY 1' | ledgerline query - --json`,
    )
    .action(async (sql: string, options: QueryOptions) => {
      const { runQuery } = await import('../actions/query.ts');
      await runQuery(sql, options);
    });
