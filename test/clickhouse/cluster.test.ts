import { expect, inject, test } from 'vitest';
import { openClickHouse } from '../../clickhouse/index.ts';
import { clustered } from '../../clickhouse/cluster.ts';
import { knownMigrations, parseMigration } from '../../clickhouse/migrations.ts';
import { closingParenthesis, splitAtCommas } from '../../clickhouse/sql-text.ts';

const place = { cluster: 'ledger-eu', database: 'ledgerline' };
const onCluster = (...statements: string[]): readonly string[] =>
  clustered([parseMigration('0001_a.sql', `${statements.join(';\n')};\n`)], place)[0]?.statements ??
  [];

const TABLE = `CREATE TABLE IF NOT EXISTS t
(
    note            String DEFAULT 'a, (b' CODEC(ZSTD(1)),
    at              DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    kafka_partition UInt32 CODEC(T64, ZSTD(1)),
    lease           UInt32 EPHEMERAL 5,
    INDEX notes note TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION p (SELECT max(at)),
    CONSTRAINT note_is_set CHECK note != ''
)
ENGINE = MergeTree
ORDER BY at
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000`;

test('a table of Kafka rows becomes a replicated one on each shard, and a Distributed one of its name over them', () => {
  expect(onCluster(TABLE)).toMatchSnapshot();
});

test('a table without a partition of Kafka is kept whole on every node', () => {
  const [statement, ...more] = onCluster(
    'CREATE TABLE IF NOT EXISTS jobs (id UUID) ENGINE = ReplacingMergeTree(id) ORDER BY id',
  );
  expect(more).toEqual([]);
  expect(statement).toContain('jobs ON CLUSTER `ledger-eu`');
  expect(statement).toContain(
    "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', id)",
  );
});

test('columns change in both tables, what is about storage in the replicated one alone', () => {
  const altered = (commands: string) => onCluster(TABLE, `ALTER TABLE t ${commands}`).slice(2);
  expect(
    altered('ADD COLUMN IF NOT EXISTS m Map(String, String) CODEC(ZSTD(1)), MODIFY TTL at + 1'),
  ).toEqual([
    'ALTER TABLE t_local ON CLUSTER `ledger-eu` ADD COLUMN IF NOT EXISTS m Map(String, String) CODEC(ZSTD(1)), MODIFY TTL at + 1',
    'ALTER TABLE t ON CLUSTER `ledger-eu` ADD COLUMN IF NOT EXISTS m Map(String, String)',
  ]);
  expect(altered('ADD INDEX IF NOT EXISTS i note TYPE minmax')).toEqual([
    'ALTER TABLE t_local ON CLUSTER `ledger-eu` ADD INDEX IF NOT EXISTS i note TYPE minmax',
  ]);
  expect(altered('MODIFY COLUMN note CODEC(ZSTD(3))')).toEqual([
    'ALTER TABLE t_local ON CLUSTER `ledger-eu` MODIFY COLUMN note CODEC(ZSTD(3))',
  ]);
});

test('views read through the Distributed table, inserts run once, a dropped table goes with what it stored', () => {
  expect(
    onCluster(
      TABLE,
      'CREATE OR REPLACE VIEW v AS SELECT * FROM t',
      'INSERT INTO t SELECT 1',
      'DROP TABLE IF EXISTS t',
    ).slice(2),
  ).toEqual([
    'CREATE OR REPLACE VIEW v ON CLUSTER `ledger-eu` AS SELECT * FROM t',
    'INSERT INTO t SELECT 1',
    'DROP TABLE IF EXISTS t ON CLUSTER `ledger-eu`',
    'DROP TABLE IF EXISTS t_local ON CLUSTER `ledger-eu`',
  ]);
});

test('a statement whose form on a cluster nobody has thought about is refused, with its migration', () => {
  expect(() => onCluster('RENAME TABLE a TO b')).toThrow(
    /migration 0001_a\.sql .* RENAME TABLE a TO b/,
  );
  expect(() => onCluster('CREATE MATERIALIZED VIEW v TO t AS SELECT 1')).toThrow(/MATERIALIZED/);
});

test('a name that could end a statement is no cluster name', () => {
  expect(() => clustered([], { ...place, cluster: "x'); DROP" })).toThrow(/cluster name/);
  expect(() => openClickHouse({ url: 'http://127.0.0.1:1', cluster: 'a b' })).toThrow(
    /cluster name/,
  );
});

test('parentheses and commas in quotes and comments are text', () => {
  const sql = "f(')', `(`, -- )\n)x";
  expect(closingParenthesis(sql, 1)).toBe(sql.lastIndexOf(')'));
  expect(splitAtCommas("a, 'b, c', -- d, e\n f(g, h)")).toEqual(['a', "'b, c'", 'f(g, h)']);
});

test('every migration that ships has a form on a cluster, and the engine can read every statement of it', async () => {
  const clickhouse = openClickHouse({ url: inject('clickhouseUrl') });
  const migrations = clustered(await knownMigrations(), place);
  expect(
    migrations.map(({ name, checksum }) => ({ name, checksum })),
    'the same migrations',
  ).toEqual((await knownMigrations()).map(({ name, checksum }) => ({ name, checksum })));
  const seen: { readonly name: string; readonly sql: string | undefined }[] = [];
  for (const { name, statements } of migrations) {
    for (const statement of statements) {
      const [read] = await clickhouse.query<{ sql: string }>(
        'SELECT formatQuery({statement:String}) AS sql',
        { params: { statement } },
      );
      expect(read?.sql).toContain(statement.startsWith('INSERT') ? 'INSERT' : 'ON CLUSTER');
      seen.push({ name, sql: read?.sql });
    }
  }
  // The ledger's own in full; a further migration needs no new snapshot.
  const ledger = seen
    .filter(({ name }) => name === '0001_ledger.sql')
    .map(({ sql }) => sql)
    .join(';\n\n');
  expect(ledger).toMatchSnapshot();
  await clickhouse.close();
});
