import { count as countEvents } from '../../clickhouse/search/count.ts';
import { facets } from '../../clickhouse/search/facets.ts';
import { amountText, facetLines } from '../search/facet-lines.ts';
import { safeJson } from '../search/json.ts';
import { reading } from '../search/reading.ts';
import type { ReadingOptions } from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { print } from '../terminal.ts';

export interface FacetsOptions extends ReadingOptions {
  readonly field?: readonly string[];
  readonly top: number;
  readonly pager: boolean;
}

export async function runFacets(query: string, options: FacetsOptions): Promise<void> {
  await reading(query, options, async (clickhouse, ask) => {
    const fields = options.field === undefined ? {} : { fields: options.field };
    const found = await facets(clickhouse, query, { ...ask, ...fields, top: options.top });
    if (options.json) {
      print(safeJson(found));
      return;
    }
    const total = await countEvents(clickhouse, query, ask);
    const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
    const lines = answerLines(options.pager);
    await lines.write(`${amountText(total)} events`);
    await lines.write('');
    for (const facet of found) {
      for (const line of facetLines(facet, columns)) await lines.write(line);
    }
    await lines.end();
  });
}
