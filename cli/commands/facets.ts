import { Command } from 'commander';
import { DEFAULT_FACETS } from '../../clickhouse/search/default-facets.ts';
import type { FacetsOptions } from '../actions/facets.ts';
import { wholeNumber, withReadingOptions } from '../search/options.ts';

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
      const { runFacets } = await import('../actions/facets.ts');
      await runFacets(query, options);
    });
