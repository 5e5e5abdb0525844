import { history } from '../../clickhouse/history/history.ts';
import type { Order } from '../../clickhouse/index.ts';
import { targetOf } from '../history/target.ts';
import { diffLines } from '../search/diff.ts';
import { eventLine } from '../search/event-line.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { asideColours, count, say } from '../terminal.ts';

const PAGE = 200;

export interface HistoryOptions extends ReadingOptions {
  readonly limit: number;
  readonly order: Order;
  readonly pager: boolean;
}

export async function runHistory(target: string, options: HistoryOptions): Promise<void> {
  const key = targetOf(target);
  await reading(target, options, async (clickhouse, ask) => {
    const { limit, order, json, timeZone, tenant } = options;
    const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
    const look = { nowMs: Date.now(), timeZone, columns, showTenant: tenant?.length !== 1 };
    const lines = answerLines(options.pager && !json);
    let shown = 0;
    let more = false;
    try {
      const pages = history(clickhouse, key, {
        ...ask,
        order,
        // One beyond the limit says whether there is more.
        pageSize: Math.min(limit + 1, PAGE),
      });
      all: for await (const { events } of pages) {
        for (const event of events) {
          more = shown === limit;
          if (more) break all;
          shown += 1;
          const text = json
            ? [safeJson(event)]
            : [eventLine(event, look), ...diffLines(event.changes ?? [])];
          for (const line of text) if (!(await lines.write(line))) break all;
        }
      }
    } finally {
      await lines.end();
    }
    if (more) {
      const which = order === 'newest' ? 'newest' : 'oldest';
      say(asideColours.dim(`the ${which} ${count(limit)} events; more: --limit, --order`));
    }
    if (shown === 0 && !json) say(asideColours.dim('no events of this target'));
  });
}
