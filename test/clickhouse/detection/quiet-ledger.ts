/**
 * Two months of a company in which nothing happens: people in office hours, some overtime and holidays,
 * services round the clock, a job of every night and one of every week. Made by the engine, the same every
 * time but for the dates. A real ledger has surprises; this one has chance alone.
 */
import type { ClickHouse } from '../../../clickhouse/index.ts';

const DAY_MS = 86_400_000;
/** The last day that is over, at its midnight (UTC): findings are looked for on this day and the ones before. */
export const LAST_DAY = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS);
export const DAYS = 60;

export const dayBefore = (days: number): Date => new Date(LAST_DAY.getTime() - days * DAY_MS);

/** A number from 0 to 1 that depends on the row and what it is for. */
const chance = (what: string): string => `(cityHash64(${what}) % 1000003) / 1000003`;

const COLUMNS = `wire_version, event_id, event_type, category, operation, outcome, occurred_at, tenant_id,
  actor_type, actor_id, target_type, target_id, source_ip, service, weight, kafka_topic, kafka_topic_id, kafka_partition, kafka_offset, kafka_timestamp`;

/** From columns `day` (0: the oldest), `seconds` of the day, `n` and what describes the event. */
const insert = (partition: number, source: string): string => `
INSERT INTO audit_events (${COLUMNS})
SELECT 1, reinterpretAsUUID(concat(reinterpretAsString(cityHash64(n, ${partition})), reinterpretAsString(cityHash64(n, ${partition}, 1)))),
  type, 'app', operation, outcome,
  toDateTime64({start:UInt32} + day * 86400 + seconds, 6, 'UTC') + toIntervalMicrosecond(n % 1000000), 'acme',
  actor_type, actor_id, 'app', concat('app_', toString(n % 300)), toIPv6(address), service, weight,
  'quiet', toUUID('6f0d1a52-7f0e-4c6e-9a53-0d6f6a1b2c3d'), ${partition}, n, now64(3)
FROM (${source})
SETTINGS max_insert_block_size = 1000000, max_partitions_per_insert_block = 1000`;

/** At most 60 events of each person and day, fewer by habit, mood and weekend. */
const PEOPLE = `
  WITH number % 60 AS slot, intDiv(number, 60) % {people:UInt32} AS person, intDiv(number, 60 * {people:UInt32}) AS of_day,
    (toDayOfWeek(toDate(toDateTime({start:UInt32} + of_day * 86400, 'UTC'))) >= 6) AS weekend,
    ${chance("person, 'rate'")} AS rate, ${chance("person, of_day, 'mood'")} AS mood,
    ${chance('number, 1')} AS a, ${chance('number, 2')} AS b, ${chance('number, 3')} AS c, ${chance('number, 4')} AS d,
    toUInt8(8 + person % 3 + a * 5 + b * 4.9) AS hour,
    if(c < 0.01, 19 + toUInt8(a * 3), hour) AS at_hour,
    toUInt8(20 * d * d * d + (person * 7) % 13) AS kind
  SELECT number AS n, of_day AS day, at_hour * 3600 + toUInt32(d * 3599) AS seconds,
    concat('app.thing_', toString(kind), '.', ['viewed', 'viewed', 'updated', 'created', 'deleted', 'exported'][1 + least(5, toUInt8(c * 6.3))]) AS type,
    ['read', 'read', 'update', 'create', 'delete', 'export'][1 + least(5, toUInt8(c * 6.3))] AS operation,
    if(b < 0.01, 'denied', 'success') AS outcome,
    'user' AS actor_type, concat('u_', toString(person)) AS actor_id,
    multiIf(${chance("person, of_day, 'where'")} < 0.02, concat('198.51.', toString(cityHash64(person, of_day) % 250), '.9'),
      a < 0.7, '192.0.2.10', concat('203.0.', toString(person % 250), '.7')) AS address,
    'panel' AS service, if(operation = 'read' AND outcome = 'success', 10, 1) AS weight
  FROM numbers({days:UInt32} * {people:UInt32} * 60)
  WHERE ${chance('number, 5')} < (0.15 + rate * 0.5) * (0.4 + mood)
    AND (NOT weekend OR ${chance("person, of_day, 'weekend'")} < 0.03)
    AND ${chance("person, intDiv(of_day, 7), 'holiday'")} >= 0.08`;

/** Services that always speak, by day more than by night. */
const SERVICES = `
  WITH intDiv(number, 16) % 24 AS hour, intDiv(number, 384) % 3 AS which, intDiv(number, 1152) AS of_day
  SELECT number AS n, of_day AS day, hour * 3600 + toUInt32(${chance('number, 2')} * 3599) AS seconds,
    concat('gateway.call_', toString(number % 5), '.completed') AS type, 'execute' AS operation,
    if(${chance('number, 3')} < 0.005, 'denied', 'success') AS outcome,
    'service' AS actor_type, concat('svc_', toString(which)) AS actor_id, '10.0.0.5' AS address,
    concat('gateway-', toString(which)) AS service, 1 AS weight
  FROM numbers({days:UInt32} * 1152)
  WHERE ${chance('number, 1')} < 0.3 + 0.4 * (hour BETWEEN 8 AND 18)`;

/** Every night 150 deletions, every seventh night 400 exports. */
const JOBS = `
  WITH number % 550 AS slot, intDiv(number, 550) AS of_day, slot >= 150 AS weekly
  SELECT number AS n, of_day AS day, if(weekly, 3, 2) * 3600 + toUInt32(${chance('number, 2')} * 3000) AS seconds,
    if(weekly, 'app.report.exported', 'app.session.deleted') AS type, if(weekly, 'export', 'delete') AS operation, 'success' AS outcome,
    'job' AS actor_type, if(weekly, 'weekly-report', 'nightly-cleanup') AS actor_id, '::' AS address, 'jobs' AS service, 1 AS weight
  FROM numbers({days:UInt32} * 550)
  WHERE (NOT weekly OR of_day % 7 = 0) AND ${chance('number, 1')} < 0.9`;

/** @param people from u_0 on; u_3, for example, is at work from 8 to 18 o'clock */
export async function fillQuietly(clickhouse: ClickHouse, people: number): Promise<void> {
  const params = { days: DAYS, people, start: LAST_DAY.getTime() / 1000 - (DAYS - 1) * 86_400 };
  for (const [index, source] of [PEOPLE, SERVICES, JOBS].entries()) {
    await clickhouse.command(insert(100 + index, source), { params, timeoutMs: 120_000 });
  }
}
