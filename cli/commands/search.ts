import { Command, Option } from 'commander';
import {
  type AskOptions,
  type ClickHouse,
  count as countEvents,
  type Order,
  search,
  statementOf,
} from '../../clickhouse/index.ts';
import { eventLine } from '../search/event-line.ts';
import { amountText } from '../search/facet-lines.ts';
import { safeJson } from '../search/json.ts';
import {
  reading,
  type ReadingOptions,
  wholeNumber,
  withReadingOptions,
} from '../search/options.ts';
import { answerLines, type Lines } from '../search/pager.ts';
import { asideColours, count, print, say } from '../terminal.ts';

const MAX_LIMIT = 1_000_000;
const PAGE = 200;

interface SearchCommandOptions extends ReadingOptions {
  readonly limit: number;
  readonly order: Order;
  readonly count?: true;
  readonly sql?: true;
  readonly pager: boolean;
}

export const searchCommand = (): Command =>
  withReadingOptions(
    new Command('search')
      .summary('find events')
      .description(
        `Finds events by a query of fields and words, newest first. Put it in single quotes, so that the shell
leaves it alone; without one, everything is found. docs/search.md has the language and every field.

Lines are cut to the terminal's width; what is longer than its screen goes through $PAGER.`,
      )
      .argument(
        '[query]',
        'e.g. \'actor:user/u_7 type:app.* -outcome:success since:7d "rotation"\'',
        '',
      )
      .option('--limit <events>', 'at most so many', wholeNumber(MAX_LIMIT), 50)
      .addOption(
        new Option('--order <order>', 'which first')
          .choices(['newest', 'oldest'])
          .default('newest'),
      )
      .option('--count', 'only how many there are, sampling undone')
      .option(
        '--sql',
        'print the SQL instead of running it, for ledgerline query and any other client',
      )
      .option('--json', 'one event a line, whole')
      .option('--no-pager', 'never through a pager'),
  )
    .addHelpText(
      'after',
      `
Exit codes: 0 also where nothing is found, 1 when it could not be asked, 2 for a query that cannot be read.

Examples:
  $ ledgerline search 'outcome:denied since:1d'
  $ ledgerline search 'target:app/app-7 changed:/phone' --tenant acme --order oldest
  $ ledgerline search 'type:app.env_var.* (actor:u_7 OR actor:u_8) at:2026-11-01..2026-11-05'
  $ ledgerline search 'category:security severity:>=high ip:10.0.0.0/8' --json --limit 100000
  $ ledgerline search 'type:gateway.* since:30d' --count
  $ ledgerline query "$(ledgerline search 'outcome:denied' --sql)"`,
    )
    .action(async (query: string, options: SearchCommandOptions) => {
      await reading(query, options, async (clickhouse, ask) => {
        const { limit, order } = options;
        if (options.sql) {
          print((await statementOf(clickhouse, query, { ...ask, limit, order })).runnable);
        } else if (options.count) {
          const total = await countEvents(clickhouse, query, ask);
          print(options.json ? safeJson(total) : amountText(total));
        } else {
          await list(clickhouse, query, ask, options);
        }
      });
    });

async function list(
  clickhouse: ClickHouse,
  query: string,
  ask: AskOptions,
  options: SearchCommandOptions,
): Promise<void> {
  const lines = answerLines(options.pager && !options.json);
  let found = { events: 0, more: false };
  try {
    found = await writeEvents(lines, clickhouse, query, ask, options);
  } finally {
    await lines.end();
  }
  if (options.json) return;
  if (found.events === 0) say(asideColours.dim('no events'));
  else if (found.more) {
    say(
      asideColours.dim(
        `the first ${count(found.events)}; there are more: --limit, or a narrower query`,
      ),
    );
  }
}

async function writeEvents(
  lines: Lines,
  clickhouse: ClickHouse,
  query: string,
  ask: AskOptions,
  { limit, order, json, timeZone, tenant }: SearchCommandOptions,
): Promise<{ events: number; more: boolean }> {
  const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
  const look = { nowMs: Date.now(), timeZone, columns, showTenant: tenant?.length !== 1 };
  let events = 0;
  for await (const page of search(clickhouse, query, {
    ...ask,
    order,
    pageSize: Math.min(limit, PAGE),
  })) {
    for (const event of page.events) {
      if (events === limit) return { events, more: true };
      events += 1;
      if (!(await lines.write(json ? safeJson(event) : eventLine(event, look)))) {
        return { events, more: false };
      }
    }
    if (events === limit) return { events, more: page.cursor !== undefined };
  }
  return { events, more: false };
}
