import type { ClickHouse } from './client.ts';

/** Days by retention class, as the table's TTL says. */
export type RetentionClasses = Readonly<Record<string, number>>;

/** Reads the classes from the TTL of `audit_events`, the one place that decides. */
export async function readRetention(clickhouse: ClickHouse): Promise<RetentionClasses> {
  const [table] = await clickhouse.query<{ engine: string }>(
    "SELECT engine_full AS engine FROM system.tables WHERE database = {database:String} AND name = 'audit_events'",
    { params: { database: clickhouse.database } },
  );
  const found = /transform\(retention_class, \[([^\]]*)\], \[([^\]]*)\], \d+\)/.exec(table?.engine ?? '');
  const names = (found?.[1] ?? '').split(', ').map((name) => name.replaceAll("'", ''));
  const days = (found?.[2] ?? '').split(', ').map(Number);
  return Object.fromEntries(names.map((name, index) => [name, days[index] ?? 0]));
}
