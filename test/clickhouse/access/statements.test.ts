import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { accessStatements, type ClickHouse, openClickHouse } from '../../../clickhouse/index.ts';
import { READ_VIEWS } from '../../../clickhouse/access/statements.ts';
import { knownMigrations } from '../../../clickhouse/migrations.ts';

const place = { database: 'ledgerline', cluster: undefined };
const onCluster = { ...place, cluster: 'audit' };
const statementsOf = (...parameters: Parameters<typeof accessStatements>): string[] =>
  accessStatements(...parameters).flatMap(({ statements }) => statements);

let clickhouse: ClickHouse;
beforeAll(() => {
  clickhouse = openClickHouse({ url: inject('clickhouseUrl') });
});
afterAll(() => clickhouse.close());

/** As the engine's own parser understands it, written anew. */
async function understood(statement: string): Promise<string> {
  const [row] = await clickhouse.query<{ sql: string }>(
    'SELECT formatQuerySingleLine({statement:String}) AS sql',
    { params: { statement } },
  );
  return row?.sql ?? '';
}

test('R-ASK-09 roles and policies for two tenants, on one node', () => {
  expect(accessStatements(['acme', 'beta'], place)).toMatchSnapshot();
});

test('R-ASK-09 on a cluster every node and the tables beneath the Distributed ones are named', () => {
  expect(accessStatements(['acme'], onCluster)).toMatchSnapshot();
});

test('R-ASK-09 the engine reads every statement, and reads it as it was meant', async () => {
  for (const statement of [
    ...statementsOf(['acme'], place),
    ...statementsOf(['acme'], onCluster),
  ]) {
    const sql = await understood(statement);
    expect(sql).toMatch(/^(CREATE ROLE|CREATE ROW POLICY|GRANT)/);
    // What it wrote anew, it reads as the same again.
    expect(await understood(sql)).toBe(sql);
  }
}, 60_000);

const HOSTILE = [
  "x' OR 1 = 1 --",
  "\\' OR 1 = 1 --",
  '`; DROP TABLE audit_events; --',
  '\\`',
  '\\',
  "a'b`c\\d",
  '-- \u{1F512} ünï',
];

test('R-ASK-09 a tenant’s name is text in every statement, whatever is in it', async () => {
  for (const tenant of HOSTILE) {
    for (const statement of statementsOf([tenant], place).slice(-2)) {
      const [, value] = /USING tenant_id = ('(?:[^'\\]|\\.)*') TO /s.exec(statement) ?? [];
      const [row] = await clickhouse.query<{ read: string }>(`SELECT ${value} AS read`);
      expect(row?.read).toBe(tenant);
      expect(await understood(statement)).toMatch(/^CREATE ROW POLICY .* TO /s);
    }
  }
});

test('R-ASK-09 no name ends the quotes that it stands in', () => {
  // What nobody could see is refused, and is the next test's.
  const unseen = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((one) => !unseen.test(one));
  const quoted = /'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/gs;
  const shape = (tenant: string): string[] =>
    statementsOf([tenant], place).map((one) => one.replace(quoted, '?'));
  fc.assert(
    fc.property(text, (tenant) => {
      expect(shape(tenant)).toEqual(shape('acme'));
    }),
    { numRuns: 300 },
  );
});

test('tenants that cannot be told apart or seen are refused, and never quoted', () => {
  for (const tenants of [[''], ['a', 'a'], ['a\u202eb'], ['a\nb'], ['a\0'], ['x'.repeat(257)]]) {
    expect(() => accessStatements(tenants, place)).toThrow(/^tenant \d/);
  }
  expect(() => accessStatements([], { ...place, cluster: "a'b" })).toThrow(/cluster name/);
});

test('a reader may read every view that the migrations make', async () => {
  const statements = (await knownMigrations()).flatMap((migration) => migration.statements);
  const views = statements.flatMap((sql) => /^CREATE OR REPLACE VIEW (\w+)/.exec(sql)?.[1] ?? []);
  expect(new Set(READ_VIEWS)).toEqual(new Set(views));
});
