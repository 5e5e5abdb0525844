import { Command } from 'commander';
import { count as countEvents, DEFAULT_FACETS, facets } from '../../clickhouse/index.ts';
import { amountText, facetLines } from '../search/facet-lines.ts';
import { safeJson } from '../search/json.ts';
import {
  reading,
  type ReadingOptions,
  wholeNumber,
  withReadingOptions,
} from '../search/options.ts';
import { answerLines } from '../search/pager.ts';
import { print } from '../terminal.ts';

interface FacetsOptions extends ReadingOptions {
  readonly field?: readonly string[];
  readonly top: number;
  readonly pager: boolean;
}

export const facetsCommand = (): Command =>
  withReadingOptions(
    new Command('facets')
      .summary('count events by the values of their fields')
      .description(
        `Counts what a query matches by the values of fields, sampling undone: ≈ marks totals that are estimates,
± twice their standard error. Every value can be put into the query: field:value.`,
      )
      .argument('[query]', 'as for search', '')
      .option(
        '-f, --field <name>',
        `a field, may be repeated (default: ${DEFAULT_FACETS.join(', ')})`,
        (name: string, known: readonly string[] | undefined) => [...(known ?? []), name],
      )
      .option('--top <values>', 'so many values of each', wholeNumber(1000), 10)
      .option('--json', 'on one line')
      .option('--no-pager', 'never through a pager'),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ ledgerline facets 'since:7d'
  $ ledgerline facets 'outcome:denied since:30d' --field actor --field ip --top 20
  $ ledgerline facets 'target.type:app' -f changed -f attributes.deployment.environment.name --json`,
    )
    .action(async (query: string, options: FacetsOptions) => {
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
    });
