import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { compile } from '../../../clickhouse/search/compile.ts';
import { FAMILIES } from '../../../clickhouse/search/field-named.ts';
import { FIELDS } from '../../../clickhouse/search/fields.ts';
import { parseQuery } from '../../../clickhouse/search/parse.ts';
import { resolve } from '../../../clickhouse/search/resolve.ts';

/** `npx vitest run test/clickhouse/search/guide -u` makes the table of fields anew. */
const path = fileURLToPath(new URL('../../../docs/search.md', import.meta.url));

const rows = [
  ...FIELDS.map(
    ({ name, aliases = [], about, example }) => [name, aliases, about, example] as const,
  ),
  ...FAMILIES.map(
    ({ prefix, placeholder, about, example }) =>
      [`${prefix}${placeholder}`, [], about, example] as const,
  ),
];

const table = [
  '| field | also | what it is | example |',
  '| --- | --- | --- | --- |',
  ...rows.map(
    ([name, aliases, about, example]) =>
      `| \`${name}\` | ${aliases.map((alias) => `\`${alias}\``).join(', ')} | ${about} | \`${example}\` |`,
  ),
].join('\n');

test('docs/search.md lists the fields that there are', async () => {
  const page = await readFile(path, 'utf8');
  const filled = page.replace(
    /(<!-- fields -->)[^]*(<!-- \/fields -->)/,
    (_, start: string, end: string) => `${start}\n\n${table}\n\n${end}`,
  );
  const pretty = await format(filled, { ...(await resolveConfig(path)), filepath: path });
  await expect(pretty).toMatchFileSnapshot(path);
});

test('docs/search.md: every query in it can be read, but the one that shows a fault', async () => {
  const page = await readFile(path, 'utf8');
  const [, language = ''] = /## The language([^]*?)## Fields/.exec(page) ?? [];
  const commands = [...page.matchAll(/^ledgerline (?:search|tail|facets) (?:-- )?'([^']+)'/gm)];
  const cells = [...language.matchAll(/^\| (`.*?`)(?= +\|)/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, query = '']) => query),
  );
  const queries = [...commands.map(([, query = '']) => query), ...cells].filter(
    (query) => !query.includes('…'),
  );
  expect(queries.length).toBeGreaterThan(30);
  const clock = { nowMs: Date.now(), timeZone: 'UTC' };
  const faults = queries.flatMap((query) => {
    try {
      compile(resolve(parseQuery(query), clock));
      return [];
    } catch (error) {
      return [`${query}: ${String(error)}`];
    }
  });
  expect(faults).toEqual([]);
});
