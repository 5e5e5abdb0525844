/** Rows that land in one insert, and in one Kafka partition after the other, as the worker does. */
export const BLOCK_ROWS = 50_000;
export const PARTITIONS = 4;
/** When the rows happened. */
export interface Span {
  /** `YYYY-MM-DD hh:mm:ss`, in UTC. */
  readonly start: string;
  readonly days: number;
}

const AUTUMN: Span = { start: '2026-08-01 00:00:00', days: 90 };

/**
 * A SELECT that makes the rows `from <= n < to` of a ledger of `total` rows over the span's days: 50 tenants
 * and their actors and targets with Zipf's skew, trace and correlation ids random on every event, one
 * to three changes. The same `n` always makes the same row.
 */
export function sourceRows(
  from: number,
  to: number,
  total: number,
  { start, days }: Span = AUTUMN,
): string {
  const stepUs = Math.floor((days * 86_400 * 1e6) / total);
  // r(k): uniform in [0, 1); zipf(k, n): rank 0 … n-1, the first the most frequent.
  const r = (k: number): string => `(cityHash64(n, ${k}) / 18446744073709551616.)`;
  const zipf = (k: number, ranks: number): string =>
    `least(${ranks - 1}, toUInt32(exp(${r(k)} * log(${ranks + 1}))) - 1)`;
  const pick = (words: string[], by: string): string =>
    `[${words.map((word) => `'${word}'`).join(', ')}][1 + ${by} % ${words.length}]`;
  // Of a number, `hex` leaves leading zero bytes out; of its bytes it has all sixteen digits.
  const hex = (...of: string[]): string =>
    `lower(hex(reinterpretAsFixedString(cityHash64(${of.join(', ')}))))`;
  const nouns = ['app', 'server', 'contact', 'env_var', 'member', 'token'];
  const categories = ['app', 'server', 'contacts', 'app', 'authorization', 'security'];
  const paths = [
    '/replicas',
    '/value',
    '/email',
    '/phones/0/number',
    '/address/city',
    '/role',
    '/image',
    '/domains/0',
    '/memory_mb',
    '/owner',
    '/labels/tier',
    '/expires_at',
    '/name',
    '/branch',
  ];
  const change = (i: number): string =>
    `tuple('replace', ${pick(paths, `cityHash64(target, ${r(30 + i)} > 0.5, ${i})`)}, ` +
    `if(${r(40 + i)} < 0.5, toString(toUInt32(${r(50 + i)} * 1000)), concat('"v1.', toString(toUInt32(${r(60 + i)} * 400)), '"')), ` +
    `if(${r(40 + i)} < 0.5, toString(toUInt32(${r(70 + i)} * 1000)), concat('"v1.', toString(toUInt32(${r(80 + i)} * 400)), '"')))`;
  return `
WITH
  number AS n, intDiv(n, ${BLOCK_ROWS}) AS block, toUInt32(block % ${PARTITIONS}) AS part,
  toUInt64(intDiv(block, ${PARTITIONS}) * ${BLOCK_ROWS} + n % ${BLOCK_ROWS}) AS position,
  toDateTime64('${start}', 6, 'UTC') + toIntervalMicrosecond((position * ${PARTITIONS} + part) * ${stepUs} + toUInt32(${r(1)} * ${stepUs * 8})) AS at,
  toUInt32(${zipf(2, 50)}) AS tenant, toUInt32(tenant * 100 + ${zipf(3, 100)}) AS actor,
  toUInt32(tenant * 400 + ${zipf(4, 100)} * ${PARTITIONS} + part) AS target, toUInt8(cityHash64(target) % 6) AS kind,
  toUInt8(multiIf(${r(5)} < 0.05, 0, ${r(5)} < 0.5, 1, ${r(5)} < 0.92, 2, 3)) AS verb,
  lower(hex(toUInt64(toUnixTimestamp64Milli(at)))) AS ms, ${r(6)} AS luck
SELECT
  n,
  toUInt8(1) AS wire_version,
  toUUID(concat(substring(ms, 1, 8), '-', substring(ms, 9, 4), '-7', substring(${hex('n', '7')}, 1, 3), '-a', substring(${hex('n', '8')}, 1, 3), '-', substring(${hex('n', '9')}, 1, 12))) AS event_id,
  concat(${pick(nouns, 'kind')}, '.', ${pick(['created', 'updated', 'viewed', 'deleted'], 'verb')}) AS event_type,
  toUInt16(1) AS event_version,
  ${pick(categories, 'kind')} AS category,
  ${pick(['create', 'update', 'read', 'delete'], 'verb')} AS operation,
  multiIf(luck < 0.04, 'failure', luck < 0.06, 'denied', 'success') AS outcome,
  if(kind >= 4, 'medium', 'informational') AS severity,
  at AS occurred_at,
  concat('tenant-', toString(tenant)) AS tenant_id,
  if(actor % 10 = 0, 'service', 'user') AS actor_type,
  concat('usr_', ${hex('actor', '10')}) AS actor_id,
  concat(${pick(['Ada', 'Grace', 'Linus', 'Barbara', 'Edsger', 'Frances', 'Ken'], 'actor')}, ' ', ${hex('actor', '11')}) AS actor_name,
  ${pick(nouns, 'kind')} AS target_type,
  concat(${pick(nouns, 'kind')}, '_', ${hex('target', '12')}) AS target_id,
  concat('production ', substring(${hex('target', '13')}, 1, 8)) AS target_name,
  if(kind = 3, CAST([tuple('parent', 'app', concat('app_', ${hex('intDiv(target, 4)', '12')}), 'storefront')], 'Array(Tuple(role String, type String, id String, name String))'), []) AS related,
  toIPv6(IPv4NumToString(toUInt32(167772160 + actor * 7 + toUInt32(${r(14)} * 3)))) AS source_ip,
  ${pick(['panel', 'gateway', 'contacts', 'backup'], 'kind')} AS service,
  reinterpretAsUUID(concat(reinterpretAsString(cityHash64(kind, part)), reinterpretAsString(cityHash64(part, kind)))) AS producer_id,
  position AS producer_seq,
  reinterpretAsUUID(concat(reinterpretAsString(cityHash64(n, 15)), reinterpretAsString(cityHash64(n, 16)))) AS trace_id,
  toString(reinterpretAsUUID(concat(reinterpretAsString(cityHash64(n, 17)), reinterpretAsString(cityHash64(n, 18))))) AS correlation_id,
  if(${r(19)} < 0.1, concat('ticket OPS-', toString(toUInt32(${r(20)} * 9000))), '') AS reason,
  '' AS message,
  multiIf(luck < 0.04, 'UPSTREAM_TIMEOUT', luck < 0.06, 'FORBIDDEN', '') AS error_code,
  multiIf(luck < 0.04, concat('no answer from ', ${hex('target', '12')}, ' in 30 s'), luck < 0.06, 'the role lacks this permission', '') AS error_message,
  CAST(arraySlice([${change(1)}, ${change(2)}, ${change(3)}], 1, 1 + toUInt8(${r(21)} * 3)), 'Array(Tuple(op String, path String, old String, new String))') AS changes,
  concat('{"environment":"', ${pick(['production', 'staging', 'preview'], 'target')}, '","region":"eu-', toString(tenant % 4), '","request":{"method":"', ${pick(['POST', 'PATCH', 'GET', 'DELETE'], 'verb')}, '","route":"/api/v1/', ${pick(nouns, 'kind')}, 's/:id","status":', if(luck < 0.06, '403', '200'), ',"duration_ms":', toString(toUInt32(exp(${r(22)} * 6))), '}}') AS data,
  if(${r(23)} < 0.02, concat('{"command":"systemctl restart web","exit_code":0,"duration_ms":', toString(toUInt32(${r(24)} * 5000)), ',"output":"ok"}'), '') AS execution,
  if(kind >= 4, 'protected', 'standard') AS retention_class,
  'writes_only' AS policy_level, '' AS policy_rule, toFloat64(1) AS weight,
  map('user_agent.original', concat('Mozilla/5.0 (X11; Linux x86_64) Firefox/', toString(100 + actor % 30)), 'session.id', ${hex('actor', 'toStartOfHour(at)')}) AS attributes,
  'audit.events' AS kafka_topic,
  toUUID('6f0d1a52-7f0e-4c6e-9a53-0d6f6a1b2c3d') AS kafka_topic_id,
  part AS kafka_partition, position AS kafka_offset,
  toDateTime64(at, 3, 'UTC') + toIntervalMillisecond(toUInt32(${r(25)} * 40)) AS kafka_timestamp,
  toDateTime64('${start}', 3, 'UTC') + toIntervalMillisecond(intDiv(block * ${BLOCK_ROWS} * ${stepUs}, 1000)) AS ingested_at
FROM numbers(${from}, ${to - from})`;
}
