import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { FAMILIES } from '../../../clickhouse/search/field-named.ts';
import { FIELDS } from '../../../clickhouse/search/fields.ts';
import { GUIDE as path } from './documented.ts';

/** `npx vitest run test/clickhouse/search/guide -u` makes the table of fields anew. */

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
