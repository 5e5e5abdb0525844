import { eventById } from '../../clickhouse/search/event-by-id.ts';
import { EXIT } from '../exit-codes.ts';
import { eventPage } from '../search/event-page.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { print, say } from '../terminal.ts';

export interface ShowOptions extends ReadingOptions {
  readonly pager: boolean;
}

export async function runShow(id: string, options: ShowOptions): Promise<void> {
  await reading(id, options, async (clickhouse, ask) => {
    const event = await eventById(clickhouse, id, ask);
    if (event === undefined) {
      say('no such event: it was never stored, has expired, or is another tenant’s');
      process.exitCode = EXIT.faults;
      return;
    }
    if (options.json) {
      print(safeJson(event));
      return;
    }
    const lines = answerLines(options.pager);
    const look = { nowMs: Date.now(), timeZone: options.timeZone };
    for (const line of eventPage(event, look)) await lines.write(line);
    await lines.end();
  });
}
