import type { ClickHouse } from 'ledgerline/clickhouse';
import type { Tenant } from './world.ts';

interface Question {
  readonly asks: string;
  /** Values are bound to `{name:Type}`: they never enter the text. */
  readonly sql: string;
  readonly params: Readonly<Record<string, string>>;
}

export interface Answered extends Question {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** Five that an auditor asks first. */
const questionsAbout = ({ name: tenant, apps: [app = ''] }: Tenant): Question[] => [
  {
    asks: `Who changed LOG_LEVEL of ${tenant}'s shop, and from what to what?`,
    sql: `SELECT formatDateTime(occurred_at, '%F %T') AS at, actor_name AS who, change.old AS old, change.new AS new
FROM audit_events ARRAY JOIN changes AS change
WHERE tenant_id = {tenant:String} AND target_type = 'env_var' AND target_id = {target:String} AND outcome = 'success'
ORDER BY occurred_at DESC LIMIT 5`,
    params: { tenant, target: `${app}.LOG_LEVEL` },
  },
  {
    asks: 'Whose actions failed or were denied, and why?',
    sql: `SELECT if(actor_name = '', actor_id, actor_name) AS who, countIf(outcome = 'denied') AS denied, countIf(outcome = 'failure') AS failed,
  arrayStringConcat(arraySort(groupUniqArray(error_code)), ', ') AS why
FROM audit_events
WHERE outcome IN ('failure', 'denied') AND occurred_at >= now() - toIntervalHour({hours:UInt8})
GROUP BY who ORDER BY denied + failed DESC LIMIT 8`,
    params: { hours: '24' },
  },
  {
    asks: `What did Alan do for ${tenant} today?`,
    sql: `SELECT event_type AS action, count() AS times, uniqExact(target_id) AS targets, formatDateTime(max(occurred_at), '%T') AS last
FROM audit_events
WHERE tenant_id = {tenant:String} AND actor_id = {actor:String} AND toDate(occurred_at) = today()
GROUP BY action ORDER BY times DESC LIMIT 8`,
    params: { tenant, actor: 'u_3' },
  },
  {
    asks: `What happened to ${tenant}'s shop, with everything that belongs to it?`,
    sql: `SELECT formatDateTime(occurred_at, '%T') AS at, actor_name AS who, event_type AS action, target_name AS target, outcome
FROM audit_events
WHERE tenant_id = {tenant:String}
  AND ((target_type = 'app' AND target_id = {app:String}) OR arrayExists(each -> each.type = 'app' AND each.id = {app:String}, related))
ORDER BY occurred_at DESC LIMIT 8`,
    params: { tenant, app },
  },
  {
    asks: 'Which tools were refused, to whom, and what did they ask for?',
    sql: `SELECT target_name AS tool, tenant_id AS tenant, operation, count() AS refused, arrayStringConcat(arraySort(groupUniqArray(actor_name)), ', ') AS who
FROM audit_events
WHERE category = {category:String} AND outcome = 'denied'
GROUP BY tool, tenant, operation ORDER BY refused DESC LIMIT 6`,
    params: { category: 'gateway' },
  },
];

export async function askQuestions(clickhouse: ClickHouse, tenant: Tenant): Promise<Answered[]> {
  const answered: Answered[] = [];
  for (const question of questionsAbout(tenant)) {
    const { sql, params } = question;
    answered.push({ ...question, rows: await clickhouse.query(sql, { params }) });
  }
  return answered;
}
