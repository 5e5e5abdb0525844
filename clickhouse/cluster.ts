/**
 * The same migrations on a cluster: what is one MergeTree table on one node becomes a replicated table
 * on every shard and a Distributed table of the old name over them. Pure: texts in, texts out. Why so,
 * and what workers owe to it: docs/decisions/0015-cluster.md.
 */
import { LedgerlineError } from '../schemas/errors.ts';
import type { Settings } from './clickhouse.ts';
import type { Migration } from './migrations.ts';
import { closingParenthesis, splitAtCommas } from './sql-text.ts';

/** Where statements shall run. */
export interface ClusterPlace {
  /** A name of `remote_servers` in the servers' configuration. */
  readonly cluster: string;
  readonly database: string;
}

/**
 * What every call to a cluster says. Inserts are acknowledged when the majority of a shard's replicas
 * has them, one after the other, and only replicas that have all such inserts may answer: what was
 * acknowledged is seen by whoever looks next, on any replica.
 */
export const CLUSTER_SETTINGS: Settings = {
  distributed_foreground_insert: 1,
  insert_quorum: 'auto',
  insert_quorum_parallel: 0,
  // Below the shortest deadline of an insert by default, so that the engine says what it does not know.
  insert_quorum_timeout: 15_000,
  select_sequential_consistency: 1,
  distributed_ddl_task_timeout: 100,
};

/** The column by which rows are spread: a batch is of one Kafka partition, and so goes to one shard. */
const SHARDING_KEY = 'kafka_partition';
/** As many tokens as on one node, and for as long as an outage may last: 7 days. */
const TOKEN_SECONDS = 604_800;

/** The table that holds the rows: on a cluster, `audit_events` only passes them on. */
export const storedIn = (table: string, cluster: string | undefined): string =>
  cluster === undefined ? table : `${table}_local`;

/** Behind a table's name in DDL. */
export const onClusterClause = (cluster: string | undefined): string =>
  cluster === undefined ? '' : ` ON CLUSTER \`${cluster}\``;

/** @throws LedgerlineError CONFIG_INVALID: the name would stand in DDL, quoted. */
export function assertClusterName(name: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/.test(name)) return;
  throw new LedgerlineError(
    'CONFIG_INVALID',
    'a cluster name has at most 63 letters, digits, underscores, dots and dashes',
    { hint: 'check LEDGERLINE_CLICKHOUSE_CLUSTER' },
  );
}

/**
 * The migrations as they run on a cluster. Names and checksums stay: they are the same migrations.
 *
 * A table with a column `kafka_partition` is spread over the shards by it; any other is small, and kept
 * whole on every node. @throws LedgerlineError `MIGRATION_INVALID` for a statement without a meaning here.
 */
export function clustered(migrations: readonly Migration[], place: ClusterPlace): Migration[] {
  assertClusterName(place.cluster);
  const spread = new Set<string>();
  return migrations.map((migration) => ({
    ...migration,
    statements: migration.statements.flatMap((statement) =>
      clusteredStatement(statement, place, spread, migration.name),
    ),
  }));
}

function clusteredStatement(
  statement: string,
  place: ClusterPlace,
  spread: Set<string>,
  migration: string,
): string[] {
  const there = onClusterClause(place.cluster);
  const table = /^CREATE TABLE IF NOT EXISTS (\w+)\s*\(/.exec(statement);
  if (table?.[1] !== undefined) return tables(table[1], statement, place, spread);

  const altered = /^ALTER TABLE (\w+)\s+([\s\S]+)$/.exec(statement);
  if (altered?.[1] !== undefined && altered[2] !== undefined) {
    const [, name, commands] = altered;
    if (!spread.has(name)) return [`ALTER TABLE ${name}${there} ${commands}`];
    const ofColumns = splitAtCommas(commands)
      .filter((one) => /^\w+ COLUMN /.test(one) && !OF_STORAGE_ALONE.test(one))
      .map(withoutStorage);
    return [
      `ALTER TABLE ${storedIn(name, place.cluster)}${there} ${commands}`,
      ...(ofColumns.length > 0 ? [`ALTER TABLE ${name}${there} ${ofColumns.join(', ')}`] : []),
    ];
  }

  const view = /^CREATE (?:OR REPLACE )?VIEW (?:IF NOT EXISTS )?\w+/.exec(statement)?.[0];
  if (view !== undefined) return [`${view}${there}${statement.slice(view.length)}`];

  const dropped = /^DROP (TABLE|VIEW) IF EXISTS (\w+)([\s\S]*)$/.exec(statement);
  if (dropped?.[1] !== undefined && dropped[2] !== undefined) {
    const [, kind, name, rest = ''] = dropped;
    const names = spread.delete(name) ? [name, storedIn(name, place.cluster)] : [name];
    return names.map((one) => `DROP ${kind} IF EXISTS ${one}${there}${rest}`);
  }

  if (statement.startsWith('INSERT INTO ')) return [statement];
  throw new LedgerlineError(
    'MIGRATION_INVALID',
    `migration ${migration} has a statement whose form on a cluster is not known: ${statement.slice(0, 40)} …`,
    { hint: 'teach it to clickhouse/cluster.ts, or write it in a form that is known there' },
  );
}

function tables(
  name: string,
  statement: string,
  { cluster, database }: ClusterPlace,
  spread: Set<string>,
): string[] {
  const there = onClusterClause(cluster);
  const open = statement.indexOf('(');
  const close = closingParenthesis(statement, open);
  const body = statement.slice(open, close + 1);
  const columns = splitAtCommas(statement.slice(open + 1, close)).filter(
    (entry) => !/^(?:INDEX|PROJECTION|CONSTRAINT|PRIMARY KEY)\b/.test(entry),
  );
  const isSpread = columns.some((column) => column.startsWith(`${SHARDING_KEY} `));
  const storage = replicated(statement.slice(close + 1), isSpread);
  if (!isSpread) return [`CREATE TABLE IF NOT EXISTS ${name}${there}\n${body}${storage}`];
  spread.add(name);
  const local = storedIn(name, cluster);
  // The engines' constraints and defaults of the local table hold; here stands what an insert may name.
  const declared = columns.map((column) => `    ${withoutStorage(column)}`).join(',\n');
  return [
    `CREATE TABLE IF NOT EXISTS ${local}${there}\n${body}${storage}`,
    `CREATE TABLE IF NOT EXISTS ${name}${there}\n(\n${declared}\n)\nENGINE = Distributed('${cluster}', '${database}', '${local}', ${SHARDING_KEY})`,
  ];
}

/** Names no type, and so nothing that a Distributed table knows of a column. */
const OF_STORAGE_ALONE = /^MODIFY COLUMN (?:IF EXISTS )?\w+ CODEC\(/;

/** How a column is kept is the business of the table that keeps it. */
const withoutStorage = (column: string): string => {
  const at = column.search(/ CODEC\(/);
  if (at < 0) return column;
  const close = closingParenthesis(column, column.indexOf('(', at));
  return column.slice(0, at) + column.slice(close + 1);
};

/** A spread table's replicas are those of its shard; those of a whole one are all nodes. */
function replicated(storage: string, isSpread: boolean): string {
  const [folder, replica] = isSpread ? ['{shard}', '{replica}'] : ['all', '{shard}-{replica}'];
  return storage
    .replace(
      /ENGINE = (\w*MergeTree)(?:\(([^()]*)\))?/,
      (_, engine: string, parameters: string | undefined) =>
        `ENGINE = Replicated${engine}('/clickhouse/tables/{uuid}/${folder}', '${replica}'${parameters ? `, ${parameters}` : ''})`,
    )
    .replace(
      /\bnon_replicated_deduplication_window = (\d+)/,
      `replicated_deduplication_window = $1, replicated_deduplication_window_seconds = ${TOKEN_SECONDS}`,
    );
}
