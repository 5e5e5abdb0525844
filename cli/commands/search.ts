import { Command, Option } from 'commander';
import type { SearchCommandOptions } from '../actions/search.ts';
import { wholeNumber, withReadingOptions } from '../search/options.ts';

const MAX_LIMIT = 1_000_000;

export const searchCommand = (): Command =>
  withReadingOptions(
    new Command('search')
      .summary('find events')
      .description(
        `Finds events by a query of fields and words, newest first. Put it in single quotes, so that the shell
leaves it alone; without one, everything is found. docs/search.md has the language and every field.

Lines are cut to the terminal's width; what is longer than its screen goes through $PAGER.`,
      )
      .argument(
        '[query]',
        'e.g. \'actor:user/u_7 type:app.* -outcome:success since:7d "rotation"\'',
        '',
      )
      .option('--limit <events>', 'at most so many', wholeNumber(MAX_LIMIT), 50)
      .addOption(
        new Option('--order <order>', 'which first')
          .choices(['newest', 'oldest'])
          .default('newest'),
      )
      .option('--count', 'only how many there are, sampling undone')
      .option(
        '--sql',
        'print the SQL instead of running it, for ledgerline query and any other client',
      )
      .option('--json', 'one event a line, whole')
      .option('--no-pager', 'never through a pager'),
  )
    .addHelpText(
      'after',
      `
Exit codes: 0 also where nothing is found, 1 when it could not be asked, 2 for a query that cannot be read.

Examples:
  $ ledgerline search 'outcome:denied since:1d'
  $ ledgerline search 'target:app/app-7 changed:/phone' --tenant acme --order oldest
  $ ledgerline search 'type:app.env_var.* (actor:u_7 OR actor:u_8) at:2026-11-01..2026-11-05'
  $ ledgerline search 'category:security severity:>=high ip:10.0.0.0/8' --json --limit 100000
  $ ledgerline search 'type:gateway.* since:30d' --count
  $ ledgerline query "$(ledgerline search 'outcome:denied' --sql)"`,
    )
    .action(async (query: string, options: SearchCommandOptions) => {
      const { runSearch } = await import('../actions/search.ts');
      await runSearch(query, options);
    });
