import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export const GUIDE = fileURLToPath(new URL('../../../docs/search.md', import.meta.url));

/** Every query that docs/search.md shows, but for the one that has a fault on purpose. */
export async function documentedQueries(): Promise<string[]> {
  const page = await readFile(GUIDE, 'utf8');
  const [, language = ''] = /## The language([^]*?)## Fields/.exec(page) ?? [];
  const [, fields = ''] = /<!-- fields -->([^]*?)<!-- \/fields -->/.exec(page) ?? [];
  const commands = [...page.matchAll(/^ledgerline (?:search|tail|facets) (?:-- )?'([^']+)'/gm)];
  const cells = [...language.matchAll(/^\| (`.*?`)(?= +\|)/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, query = '']) => query),
  );
  const examples = [...fields.matchAll(/`([^`]+)` +\|$/gm)].map(([, query = '']) => query);
  return [...commands.map(([, query = '']) => query), ...cells, ...examples].filter(
    (query) => !query.includes('…') && query !== 'example',
  );
}
