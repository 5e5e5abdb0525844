import { follow, storedPositions } from '../../clickhouse/search/follow.ts';
import { searchPage } from '../../clickhouse/search/search.ts';
import type { AskOptions, ClickHouse } from '../../clickhouse/index.ts';
import type { AuditEvent } from '../../schemas/index.ts';
import { eventLine } from '../search/event-line.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { asideColours, say } from '../terminal.ts';

export interface TailOptions extends ReadingOptions {
  readonly lines: number;
  readonly interval: number;
}

export async function runTail(query: string, options: TailOptions): Promise<void> {
  await reading(query, options, (clickhouse, ask) => tail(clickhouse, query, ask, options));
}

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
