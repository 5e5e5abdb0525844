import type { ClickHouse } from '../clickhouse.ts';
import { JSON_TEXTS, PLAIN_TEXTS } from './person.ts';

/** What a table must have for an erasure to find and replace anything in it. */
const NEEDED = [
  'tenant_id',
  'actor_id',
  'target_id',
  'related',
  'changes',
  'source_ip',
  'attributes',
  ...PLAIN_TEXTS,
  ...JSON_TEXTS,
];

/**
 * Tables with the ledger's columns beside the ledger's own: what a rebuild fills, the ledger that it
 * replaced, a backup that was restored for a look, a copy made by hand. On a cluster, where there
 * are no rebuilds, none is looked for.
 */
export async function tablesBeside(clickhouse: ClickHouse): Promise<readonly string[]> {
  const { cluster, database } = clickhouse;
  if (cluster !== undefined) return [];
  const rows = await clickhouse.query<{ beside: string }>(
    `SELECT table AS beside FROM system.columns
     WHERE database = {database:String} AND name IN {needed:Array(String)}
       AND table NOT IN ('audit_events', 'audit_held')
       AND table IN (SELECT name FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree')
     GROUP BY table HAVING count() = {count:UInt32} ORDER BY table`,
    { params: { database, needed: NEEDED, count: NEEDED.length } },
  );
  return rows.map(({ beside }) => beside);
}
