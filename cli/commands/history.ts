import { Command, Option } from 'commander';
import { history, type Order } from '../../clickhouse/index.ts';
import { targetOf } from '../history/target.ts';
import { diffLines } from '../search/diff.ts';
import { eventLine } from '../search/event-line.ts';
import { safeJson } from '../search/json.ts';
import {
  reading,
  type ReadingOptions,
  wholeNumber,
  withReadingOptions,
} from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { asideColours, say } from '../terminal.ts';

const MAX_LIMIT = 1_000_000;
const PAGE = 200;

interface HistoryOptions extends ReadingOptions {
  readonly limit: number;
  readonly order: Order;
  readonly pager: boolean;
}

export const historyCommand = (): Command =>
  withReadingOptions(
    new Command('history')
      .summary('show what happened to a target')
      .description(
        `Shows every event of a target, oldest first, each with its changes as a diff; those of its children, which
name it as their parent, are among them.`,
      )
      .argument('<target>', 'its type and id: app/app-7')
      .option('--limit <events>', 'at most so many', wholeNumber(MAX_LIMIT), 1000)
      .addOption(
        new Option('--order <order>', 'which first')
          .choices(['newest', 'oldest'])
          .default('oldest'),
      )
      .option('--json', 'one event a line, whole')
      .option('--no-pager', 'never through a pager'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline history app/app-7
  $ ledgerline history app/app-7 --tenant acme --order newest --limit 20
  $ ledgerline history env_var/ev_1 --json | jq -c .changes`,
    )
    .action(async (target: string, options: HistoryOptions) => {
      const key = targetOf(target);
      await reading(target, options, async (clickhouse, ask) => {
        const { limit, order, json, timeZone, tenant } = options;
        const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
        const look = { nowMs: Date.now(), timeZone, columns, showTenant: tenant?.length !== 1 };
        const lines = answerLines(options.pager && !json);
        let shown = 0;
        try {
          const pages = history(clickhouse, key, {
            ...ask,
            order,
            pageSize: Math.min(limit, PAGE),
          });
          all: for await (const { events } of pages) {
            for (const event of events.slice(0, limit - shown)) {
              shown += 1;
              const text = json
                ? [safeJson(event)]
                : [eventLine(event, look), ...diffLines(event.changes ?? [])];
              for (const line of text) if (!(await lines.write(line))) break all;
            }
            if (shown === limit) break;
          }
        } finally {
          await lines.end();
        }
        if (shown === 0 && !json) say(asideColours.dim('no events of this target'));
      });
    });
