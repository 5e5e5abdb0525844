import type { ClickHouse } from '../../clickhouse/index.ts';
import { COLUMNS } from '../../schemas/index.ts';

/** When it was stored differs, and only our worker knows the topic's id; all else is the same. */
const DIFFERS = ['ingested_at', 'lease', 'kafka_topic_id'];
const CONTENT = COLUMNS.map(({ name }) => name as string)
  .filter((name) => !DIFFERS.includes(name))
  .join(', ');

/**
 * Whether the table holds every message of the topic once.
 *
 * @returns a checksum of all its content, for comparing runs
 * @throws Error when a message is missing or doubled
 */
export async function checkLedger(clickhouse: ClickHouse, events: number): Promise<string> {
  const [stored] = await clickhouse.query<{ rows: string; distinct: string; checksum: string }>(
    `SELECT count() AS rows, uniqExact(kafka_partition, kafka_offset) AS distinct,
       sum(cityHash64(${CONTENT})) AS checksum FROM audit_events`,
    { timeoutMs: 120_000 },
  );
  if (Number(stored?.rows) !== events || Number(stored?.distinct) !== events) {
    throw new Error(
      `${events} messages, but ${stored?.rows} rows with ${stored?.distinct} distinct offsets`,
    );
  }
  return stored?.checksum ?? '';
}

/** How many rows the table holds: answered from its metadata. */
export async function storedRows(clickhouse: ClickHouse): Promise<number> {
  const [row] = await clickhouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM audit_events',
  );
  return Number(row?.rows);
}
