import { count as countEvents } from '../../clickhouse/search/count.ts';
import { search } from '../../clickhouse/search/search.ts';
import { statementOf } from '../../clickhouse/search/statement.ts';
import type { AskOptions, ClickHouse, Order } from '../../clickhouse/index.ts';
import { eventLine } from '../search/event-line.ts';
import { amountText } from '../search/facet-lines.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { answerLines, type Lines } from '../search/pager.ts';
import { asideColours, count, print, say } from '../terminal.ts';

const PAGE = 200;

export interface SearchCommandOptions extends ReadingOptions {
  readonly limit: number;
  readonly order: Order;
  readonly count?: true;
  readonly sql?: true;
  readonly pager: boolean;
}

export async function runSearch(query: string, options: SearchCommandOptions): Promise<void> {
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
}

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
