import { history } from '../../clickhouse/history/history.ts';
import type { Order } from '../../clickhouse/index.ts';
import { targetOf } from '../history/target.ts';
import { diffLines } from '../search/diff.ts';
import { eventLine } from '../search/event-line.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { asideColours, say } from '../terminal.ts';

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
}
