import { inventory } from '../../clickhouse/history/inventory.ts';
import { inventoryLine } from '../history/state-lines.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { asideColours, say } from '../terminal.ts';

export interface InventoryOptions extends ReadingOptions {
  readonly at: string;
  readonly limit?: number;
  readonly pager: boolean;
}

export async function runInventory(type: string, options: InventoryOptions): Promise<void> {
  await reading(`target.type:${type}`, options, async (clickhouse, ask) => {
    const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
    const look = { nowMs: Date.now(), timeZone: options.timeZone, columns };
    const showTenant = options.tenant?.length !== 1;
    const lines = answerLines(options.pager && !options.json);
    let shown = 0;
    let more = false;
    try {
      for await (const state of inventory(clickhouse, type, options.at, ask)) {
        more = shown === options.limit;
        if (more) break;
        shown += 1;
        const line = options.json ? safeJson(state) : inventoryLine(state, look, showTenant);
        if (!(await lines.write(line))) break;
      }
    } finally {
      await lines.end();
    }
    if (more) say(asideColours.dim('there are more: --limit'));
    if (shown === 0 && !options.json) say(asideColours.dim('no targets of this type'));
  });
}
