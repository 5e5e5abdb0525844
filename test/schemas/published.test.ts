import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { COLUMNS, ERROR_CODES, wireJsonSchema, type Column } from '../../schemas/index.ts';

/** Published pages are made from the tables in code; `npx vitest run published -u` makes them anew. */

const docs = (name: string): string =>
  fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
const columns: readonly Column[] = COLUMNS;

async function pretty(path: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

const code = (text: string | undefined): string =>
  text === undefined || text === '' ? '' : `\`${text}\``;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const TABLES = {
  columns: table(
    ['column', 'type', 'default', 'from', 'required', 'what it is'],
    columns.map((column) => [
      code(column.name),
      code(column.type),
      code(column.default),
      column.source,
      column.required ? 'yes' : '',
      column.description,
    ]),
  ),
  standards: table(
    ['column', 'CloudEvents', 'OCSF', 'ECS', 'CADF'],
    columns
      .filter(({ standards }) => Object.keys(standards).length > 0)
      .map(({ name, standards }) => [
        code(name),
        code(standards.cloudEvents),
        code(standards.ocsf),
        code(standards.ecs),
        code(standards.cadf),
      ]),
  ),
  errors: table(
    ['code', 'try again?', 'meaning'],
    Object.entries(ERROR_CODES).map(([name, { retryable, meaning }]) => [
      code(name),
      retryable ? 'yes' : 'no',
      meaning,
    ]),
  ),
};

/** The page with each `<!-- name -->` … `<!-- /name -->` filled by its table. */
async function pageWithTables(path: string): Promise<string> {
  const page = await readFile(path, 'utf8');
  const filled = Object.entries(TABLES).reduce(
    (text, [name, rows]) =>
      text.replace(
        new RegExp(`(<!-- ${name} -->)[^]*(<!-- /${name} -->)`),
        (_, start: string, end: string) => `${start}\n\n${rows}\n\n${end}`,
      ),
    page,
  );
  return pretty(path, filled);
}

test.each(['event.md', 'errors.md'])('docs/%s says what the code says', async (name) => {
  await expect(await pageWithTables(docs(name))).toMatchFileSnapshot(docs(name));
});

test('docs/event-v1.schema.json is the wire row’s JSON Schema', async () => {
  const path = docs('event-v1.schema.json');
  const text = await pretty(path, JSON.stringify(wireJsonSchema()));
  await expect(text).toMatchFileSnapshot(path);
});
