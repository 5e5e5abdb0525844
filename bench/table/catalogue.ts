/** One event of the bench's source, whose neighbours the queries look for. */
export interface Sample {
  readonly event_id: string;
  readonly tenant_id: string;
  readonly actor_id: string;
  readonly target_type: string;
  readonly target_id: string;
  readonly correlation_id: string;
  readonly day: string;
  readonly kafka_topic_id: string;
  readonly kafka_partition: number;
  readonly kafka_offset: string;
}

export interface Question {
  readonly name: string;
  readonly sql: (table: string, sample: Sample) => string;
}

/** The bench's rows end here, so its "last seven days" are counted from here. */
const NOW = "toDateTime64('2026-10-30 00:00:00', 6, 'UTC')";

/** What analysts, the console and the worker ask; in the words of docs/queries.md where it has them. */
export const CATALOGUE: readonly Question[] = [
  {
    name: 'newest 50 of a tenant',
    sql: (t, s) =>
      `SELECT event_id, occurred_at, event_type, actor_name, target_name, outcome, data FROM ${t} WHERE tenant_id = '${s.tenant_id}' ORDER BY occurred_at DESC, event_id LIMIT 50`,
  },
  {
    name: 'history of a target',
    sql: (t, s) =>
      `SELECT event_id, occurred_at, event_type, actor_name, changes FROM ${t} WHERE tenant_id = '${s.tenant_id}' AND target_type = '${s.target_type}' AND target_id = '${s.target_id}' ORDER BY occurred_at DESC, event_id LIMIT 100`,
  },
  {
    name: 'a day of an actor',
    sql: (t, s) =>
      `SELECT event_id, occurred_at, event_type, target_name FROM ${t} WHERE tenant_id = '${s.tenant_id}' AND actor_id = '${s.actor_id}' AND occurred_at >= toDateTime64('${s.day}', 6, 'UTC') AND occurred_at < toDateTime64('${s.day}', 6, 'UTC') + toIntervalDay(1) ORDER BY occurred_at, event_id LIMIT 1000`,
  },
  {
    name: 'one event id, by its time',
    sql: (t, s) =>
      `SELECT * EXCEPT ingested_at FROM ${t} WHERE event_id = '${s.event_id}' AND UUIDv7ToDateTime(event_id) = UUIDv7ToDateTime(toUUID('${s.event_id}'))`,
  },
  {
    name: 'one event id, scanning',
    sql: (t, s) => `SELECT occurred_at FROM ${t} WHERE event_id = '${s.event_id}'`,
  },
  {
    name: 'a correlation',
    sql: (t, s) =>
      `SELECT event_id, event_type FROM ${t} WHERE correlation_id = '${s.correlation_id}'`,
  },
  {
    name: 'a correlation, of a tenant and day',
    sql: (t, s) =>
      `SELECT event_id, event_type FROM ${t} WHERE correlation_id = '${s.correlation_id}' AND tenant_id = '${s.tenant_id}' AND occurred_at >= toDateTime64('${s.day}', 6, 'UTC') AND occurred_at < toDateTime64('${s.day}', 6, 'UTC') + toIntervalDay(1)`,
  },
  {
    name: 'facets over 30 days',
    sql: (t, s) =>
      `SELECT event_type, outcome, count() AS n FROM ${t} WHERE tenant_id = '${s.tenant_id}' AND occurred_at >= ${NOW} - toIntervalDay(30) GROUP BY ALL ORDER BY ALL`,
  },
  {
    name: 'free text over 7 days',
    sql: (t, s) =>
      `SELECT event_id FROM ${t} WHERE tenant_id = '${s.tenant_id}' AND occurred_at >= ${NOW} - toIntervalDay(7) AND (reason ILIKE '%OPS-42%' OR message ILIKE '%OPS-42%' OR data ILIKE '%OPS-42%' OR target_name ILIKE '%OPS-42%') ORDER BY occurred_at DESC, event_id LIMIT 50`,
  },
  {
    name: 'a changed path over 30 days',
    sql: (t, s) =>
      `SELECT event_id FROM ${t} WHERE tenant_id = '${s.tenant_id}' AND occurred_at >= ${NOW} - toIntervalDay(30) AND has(changes.path, '/role') ORDER BY occurred_at DESC, event_id LIMIT 50`,
  },
  {
    name: 'an address range over 30 days',
    sql: (t, s) =>
      `SELECT source_ip, count() FROM ${t} WHERE tenant_id = '${s.tenant_id}' AND occurred_at >= ${NOW} - toIntervalDay(30) AND source_ip BETWEEN toIPv6('10.0.0.0') AND toIPv6('10.0.0.15') GROUP BY ALL ORDER BY ALL`,
  },
  {
    name: 'counts per type and day, all tenants',
    sql: (t) =>
      `SELECT toDate(occurred_at) AS day, event_type, sum(weight) FROM ${t} WHERE occurred_at >= ${NOW} - toIntervalDay(30) GROUP BY ALL ORDER BY ALL`,
  },
  {
    name: 'stored of 10,000 offsets',
    sql: (t, s) =>
      `SELECT kafka_offset FROM ${t} WHERE kafka_topic_id = '${s.kafka_topic_id}' AND kafka_partition = ${s.kafka_partition} AND kafka_offset BETWEEN ${s.kafka_offset} AND ${s.kafka_offset} + 9999 ORDER BY kafka_offset`,
  },
  {
    name: 'highest offset per partition',
    sql: (t) =>
      `SELECT kafka_topic_id, kafka_partition, max(kafka_offset) FROM ${t} GROUP BY kafka_topic_id, kafka_partition ORDER BY ALL`,
  },
];
