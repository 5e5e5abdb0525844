import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Command, Option } from 'commander';
import { withClickHouse } from '../clickhouse-connection.ts';
import { CONTACT_DEADLINE_MS } from '../deadline.ts';
import { readEnvironment } from '../environment.ts';
import { UsageError } from '../failure.ts';
import { ENGINE_FORMATS, type Format, FORMATS } from '../query/formats.ts';
import { addParameter, boundParameters } from '../query/parameters.ts';
import { drawTable, footer } from '../query/table.ts';
import { onRecord } from '../read-record.ts';
import { seconds } from '../seconds.ts';
import { asideColours, print, say } from '../terminal.ts';

const DEFAULT_TIMEOUT_S = 60;
const MAX_SQL_BYTES = 1024 * 1024;

interface QueryOptions {
  readonly param: Readonly<Record<string, string>>;
  readonly format: Format;
  readonly json?: true;
  readonly timeout: number;
}

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
      await query(sql, options);
    });

async function query(given: string, options: QueryOptions): Promise<void> {
  const environment = readEnvironment(process.env);
  const sql = statementOf(given === '-' ? await readStdin() : given);
  const params = boundParameters(sql, options.param);
  const shape = options.json ? 'json' : options.format;
  const { format, settings } = ENGINE_FORMATS[shape];
  await withClickHouse(environment, async (clickhouse) => {
    await clickhouse.ping(CONTACT_DEADLINE_MS);
    await onRecord(environment, { query: sql, language: 'sql' }, async () => {
      const answer = await clickhouse.stream(sql, {
        format,
        params,
        // The engine itself refuses whatever is no read; settings of the statement's own are allowed.
        settings: { ...settings, readonly: 2 },
        timeoutMs: options.timeout * 1000,
      });
      if (shape === 'table') await printTable(answer);
      else await pass(answer);
    });
  });
}

async function printTable(answer: Readable): Promise<void> {
  const shown = await drawTable(answer);
  answer.destroy();
  if (shown.text !== '') print(shown.text);
  say(asideColours.dim(footer(shown)));
}

/** To stdout at its reader's pace. */
async function pass(answer: Readable): Promise<void> {
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
}

/** The engine is told the format behind the statement, where a semicolon would end it. */
function statementOf(text: string): string {
  const sql = text.trim().replace(/(?:\s*;)+$/, '');
  if (sql === '') throw new UsageError('The statement is empty.', 'Give one SELECT.');
  return sql;
}

async function readStdin(): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_SQL_BYTES) {
      throw new UsageError('The statement on stdin is larger than 1 MiB.', 'Give one SELECT.');
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}
