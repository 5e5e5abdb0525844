import { Command } from 'commander';
import {
  type AskOptions,
  type ClickHouse,
  follow,
  searchPage,
  storedPositions,
} from '../../clickhouse/index.ts';
import type { AuditEvent } from '../../schemas/index.ts';
import { eventLine } from '../search/event-line.ts';
import { safeJson } from '../search/json.ts';
import {
  reading,
  type ReadingOptions,
  wholeNumber,
  withReadingOptions,
} from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { seconds } from '../seconds.ts';
import { asideColours, say } from '../terminal.ts';

interface TailOptions extends ReadingOptions {
  readonly lines: number;
  readonly interval: number;
}

export const tailCommand = (): Command =>
  withReadingOptions(
    new Command('tail')
      .summary('follow events as they are stored')
      .description(
        `Shows the newest events that a query matches, oldest of them first, and then every further one as the
ledger stores it, each once, also where it arrives late. Ends with Ctrl-C, exit code 130; waits through outages.`,
      )
      .argument('[query]', 'as for search', '')
      .option('-n, --lines <events>', 'so many to begin with', wholeNumber(1000), 10)
      .option('--interval <seconds>', 'how often to look', seconds, 1)
      .option('--json', 'one event a line, whole'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline tail
  $ ledgerline tail 'outcome:denied,failure' --tenant acme
  $ ledgerline tail 'severity:>=high' --json | jq -r .type`,
    )
    .action(async (query: string, options: TailOptions) => {
      await reading(query, options, (clickhouse, ask) => tail(clickhouse, query, ask, options));
    });

async function tail(
  clickhouse: ClickHouse,
  query: string,
  ask: AskOptions,
  { lines: wanted, interval, json, timeZone, tenant }: TailOptions,
): Promise<void> {
  const lines = answerLines(false);
  const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
  const show = (event: AuditEvent): Promise<boolean> => {
    const look = { nowMs: Date.now(), timeZone, columns, showTenant: tenant?.length !== 1 };
    return lines.write(json ? safeJson(event) : eventLine(event, look));
  };
  // Taken first: what is stored while the newest are read is then shown below, and not twice.
  const from = await storedPositions(clickhouse, ask);
  const { events } = await searchPage(clickhouse, query, { ...ask, pageSize: wanted });
  const shown = new Set(events.map(({ id }) => id));
  for (const event of events.toReversed()) await show(event);
  const onTrouble = (error: Error): void => say(asideColours.yellow(`waiting: ${error.message}`));
  const intervalMs = interval * 1000;
  for await (const event of follow(clickhouse, query, { ...ask, from, intervalMs, onTrouble })) {
    if (!shown.delete(event.id)) await show(event);
  }
}
