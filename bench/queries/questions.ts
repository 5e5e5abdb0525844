/**
 * What is asked: of the ledger through the library that applications and commands use, and of
 * PostgreSQL in the SQL that one would write there. An answer is a list of texts, so that both and
 * plain SQL over the ledger can be compared.
 */
import {
  activity,
  type ClickHouse,
  count,
  eventById,
  facets,
  history,
  searchPage,
} from '../../clickhouse/index.ts';
import { stateAt } from '../../clickhouse/history/state.ts';
import type { Sample } from './samples.ts';

export interface Plain {
  readonly sql: string;
  readonly values: readonly unknown[];
}

export interface Question {
  readonly name: string;
  /** The figure's name in `--json`. */
  readonly figure: string;
  ledger(clickhouse: ClickHouse, sample: Sample): Promise<readonly string[]>;
  /** The truth in ClickHouse's SQL: one column `answer`, in order. */
  readonly truth: string;
  /** One column `answer`, in order. */
  postgres(sample: Sample): Plain;
}

const WEEK = 'since:7d';
const MONTH = 'since:30d';
const FACETS = ['type', 'outcome', 'category'];

export const QUESTIONS: readonly Question[] = [
  {
    name: 'newest 50 of a tenant',
    figure: 'newest50',
    ledger: async (clickhouse, { tenant }) =>
      (await searchPage(clickhouse, '', { tenant })).events.map(({ id }) => String(id)),
    truth: `SELECT toString(event_id) AS answer FROM audit_events WHERE tenant_id = {tenant:String}
            ORDER BY occurred_at DESC, event_id DESC LIMIT 50`,
    postgres: ({ tenant }) => ({
      sql: 'SELECT id AS answer FROM audit_log WHERE tenant_id = $1 ORDER BY occurred_at DESC, id DESC LIMIT 50',
      values: [tenant],
    }),
  },
  {
    name: "a target's history, 50 events",
    figure: 'history',
    async ledger(clickhouse, { tenant, targetType, targetId }) {
      const target = { type: targetType, id: targetId };
      for await (const { events } of history(clickhouse, target, { tenant, order: 'newest' })) {
        return events.map(({ id }) => String(id));
      }
      return [];
    },
    truth: `SELECT toString(event_id) AS answer FROM audit_events WHERE tenant_id = {tenant:String}
              AND ((target_type = {targetType:String} AND target_id = {targetId:String})
                OR arrayExists(r -> r.role = 'parent' AND r.type = {targetType:String} AND r.id = {targetId:String}, related))
            ORDER BY occurred_at DESC, event_id DESC LIMIT 50`,
    postgres: ({ tenant, targetType, targetId }) => ({
      sql: `SELECT id AS answer FROM audit_log WHERE tenant_id = $1
              AND ((target_type = $2 AND target_id = $3) OR related @> $4::jsonb)
            ORDER BY occurred_at DESC, id DESC LIMIT 50`,
      values: [
        tenant,
        targetType,
        targetId,
        JSON.stringify([{ role: 'parent', type: targetType, id: targetId }]),
      ],
    }),
  },
  {
    name: 'an event by id',
    figure: 'byId',
    async ledger(clickhouse, { tenant, eventId }) {
      const event = await eventById(clickhouse, eventId, { tenant });
      return event === undefined ? [] : [String(event.id)];
    },
    truth:
      'SELECT toString(event_id) AS answer FROM audit_events WHERE event_id = {eventId:UUID} LIMIT 1',
    postgres: ({ eventId }) => ({
      sql: 'SELECT id AS answer, audit_log.* FROM audit_log WHERE id = $1',
      values: [eventId],
    }),
  },
  {
    name: "an actor's day",
    figure: 'actorDay',
    async ledger(clickhouse, { tenant, actorType, actorId, day }) {
      const query = `actor:${actorType}/${actorId} since:${day} until:${day}`;
      const { events } = await searchPage(clickhouse, query, { tenant, pageSize: 1000 });
      return events.map(({ id }) => String(id));
    },
    truth: `SELECT toString(event_id) AS answer FROM audit_events WHERE tenant_id = {tenant:String}
              AND actor_type = {actorType:String} AND actor_id = {actorId:String} AND toDate(occurred_at) = {day:Date}
            ORDER BY occurred_at DESC, event_id DESC LIMIT 1000`,
    postgres: ({ tenant, actorType, actorId, day }) => ({
      sql: `SELECT id AS answer, audit_log.* FROM audit_log WHERE tenant_id = $1 AND actor_type = $2 AND actor_id = $3
              AND occurred_at >= $4::timestamptz AND occurred_at < $5::timestamptz
            ORDER BY occurred_at DESC, id DESC LIMIT 1000`,
      values: [tenant, actorType, actorId, `${day}T00:00:00Z`, `${nextDay(day)}T00:00:00Z`],
    }),
  },
  {
    name: 'free text over 7 days',
    figure: 'freeText',
    ledger: async (clickhouse, { tenant, word }) =>
      (await searchPage(clickhouse, `"${word}" ${WEEK}`, { tenant })).events.map(({ id }) =>
        String(id),
      ),
    truth: `SELECT toString(event_id) AS answer FROM audit_events WHERE tenant_id = {tenant:String}
              AND occurred_at >= now64(6) - INTERVAL 7 DAY AND reason ILIKE concat('%', {word:String}, '%')
            ORDER BY occurred_at DESC, event_id DESC LIMIT 50`,
    postgres: ({ tenant, word }) => ({
      sql: `SELECT id AS answer FROM audit_log WHERE tenant_id = $1 AND occurred_at >= now() - interval '7 days'
              AND (reason ILIKE $2 OR message ILIKE $2 OR target_name ILIKE $2 OR data::text ILIKE $2)
            ORDER BY occurred_at DESC, id DESC LIMIT 50`,
      values: [tenant, `%${word}%`],
    }),
  },
  {
    name: 'facets over 30 days',
    figure: 'facets',
    async ledger(clickhouse, { tenant }) {
      const found = await facets(clickhouse, MONTH, { tenant, fields: FACETS });
      const values = found.find(({ field }) => field === 'outcome')?.values ?? [];
      return values.map(({ value, stored }) => `${value} ${stored}`).sort();
    },
    truth: `SELECT concat(toString(outcome), ' ', toString(count())) AS answer FROM audit_events
            WHERE tenant_id = {tenant:String} AND occurred_at >= now64(6) - INTERVAL 30 DAY GROUP BY outcome ORDER BY answer`,
    postgres: ({ tenant }) => ({
      sql: `SELECT coalesce(event_type, outcome, category) || ' ' || count(*) AS answer FROM audit_log
            WHERE tenant_id = $1 AND occurred_at >= now() - interval '30 days'
            GROUP BY GROUPING SETS ((event_type), (outcome), (category)) ORDER BY answer`,
      values: [tenant],
    }),
  },
  {
    name: 'a record as it was, stateAt',
    figure: 'stateAt',
    async ledger(clickhouse, { tenant, targetType, targetId, day }) {
      const state = await stateAt(clickhouse, { type: targetType, id: targetId }, day, { tenant });
      return [String(state.events)];
    },
    truth: `SELECT toString(count()) AS answer FROM audit_events WHERE tenant_id = {tenant:String}
              AND target_type = {targetType:String} AND target_id = {targetId:String}
              AND occurred_at < toDateTime64({day:String}, 6, 'UTC') + INTERVAL 1 DAY`,
    postgres: ({ tenant, targetType, targetId, day }) => ({
      sql: `SELECT count(*)::text AS answer, json_agg(changes ORDER BY occurred_at) FROM audit_log
            WHERE tenant_id = $1 AND target_type = $2 AND target_id = $3 AND occurred_at < $4::timestamptz`,
      values: [tenant, targetType, targetId, `${nextDay(day)}T00:00:00Z`],
    }),
  },
  {
    name: 'events by the hour over a day',
    figure: 'activity',
    async ledger(clickhouse, { tenant, day }) {
      const query = `since:${day} until:${day}`;
      const buckets = await activity(clickhouse, query, { tenant, bucket: 'hour' });
      return [String(buckets.reduce((sum, { stored }) => sum + stored, 0))];
    },
    truth: `SELECT toString(count()) AS answer FROM audit_events WHERE tenant_id = {tenant:String} AND toDate(occurred_at) = {day:Date}`,
    postgres: ({ tenant, day }) => ({
      sql: `SELECT sum(n)::text AS answer FROM (SELECT date_trunc('hour', occurred_at), count(*) AS n FROM audit_log
            WHERE tenant_id = $1 AND occurred_at >= $2::timestamptz AND occurred_at < $3::timestamptz GROUP BY 1) AS hours`,
      values: [tenant, `${day}T00:00:00Z`, `${nextDay(day)}T00:00:00Z`],
    }),
  },
  {
    name: 'how many were denied in 30 days',
    figure: 'count',
    ledger: async (clickhouse, { tenant }) => [
      String((await count(clickhouse, `outcome:denied ${MONTH}`, { tenant })).stored),
    ],
    truth: `SELECT toString(count()) AS answer FROM audit_events WHERE tenant_id = {tenant:String}
              AND outcome = 'denied' AND occurred_at >= now64(6) - INTERVAL 30 DAY`,
    postgres: ({ tenant }) => ({
      sql: `SELECT count(*)::text AS answer FROM audit_log WHERE tenant_id = $1 AND outcome = 'denied'
              AND occurred_at >= now() - interval '30 days'`,
      values: [tenant],
    }),
  },
];

const nextDay = (day: string): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
