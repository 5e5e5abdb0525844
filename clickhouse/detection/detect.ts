import { LedgerlineError } from '../../schemas/index.ts';
import type { CallOptions, ClickHouse } from '../clickhouse.ts';
import { DETECTORS } from '../detectors/all.ts';
import { EVERY_TENANT, type TenantScope, tenantsOf } from '../search/scope.ts';
import { searchPage } from '../search/search.ts';
import type { Detector, FindingRow } from './detector.ts';
import { type Finding, findingOf } from './finding.ts';
import { type Stretch, stretchesOf } from './parameters.ts';
import { type Thresholds, tuned } from './tuning.ts';

export interface DetectOptions {
  readonly since: Date;
  /** Default: now. */
  readonly until?: Date;
  /** Whose events: a tenant, several, or `EVERY_TENANT`. There is no default. */
  readonly tenant: TenantScope;
  /** Names of detectors. Default: all. */
  readonly only?: readonly string[];
  /** Instead of those that ship with the ledger. */
  readonly detectors?: readonly Detector[];
  /** Other values of thresholds: `{ 'actor-volume.z': 8 }`. */
  readonly thresholds?: Thresholds;
  /** Deadline of each statement, in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Told before each detector looks at a day. */
  readonly onStep?: (done: number, total: number) => void;
}

/** A detector that could not judge: it says so instead of crying. */
export interface Unjudged {
  readonly detector: string;
  /** `history`: the ledger is too young; `scope`: it is about the whole ledger; `more`: there were more findings than are answered. */
  readonly cause: 'history' | 'scope' | 'more';
  /** Tenants concerned, at most ten of them, and how many there are. */
  readonly tenants: readonly string[];
  readonly tenantCount: number;
  /** For people. */
  readonly why: string;
}

export interface Detected {
  readonly findings: readonly Finding[];
  readonly unjudged: readonly Unjudged[];
  /** What was looked at: whole hours. ISO 8601. */
  readonly since: string;
  readonly until: string;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const DAY_S = 86_400;
/** Years of findings are asked for in several runs. */
const MAX_DAYS = 400;
/** Of one detector on one day: more are no findings but a threshold to tune. */
const MAX_FINDINGS = 500;
const EVIDENCE = 20;

/**
 * Looks for unusual activity, with every detector, day by day. Reads only.
 *
 * Each day is compared with what lies before its midnight (UTC), so that the same hours asked for again
 * give the same findings, with the same ids.
 *
 * @throws LedgerlineError `CONFIG_INVALID` for a detector or threshold that is unknown, and for a time
 *   that ends before it begins or is longer than 400 days; as `search`
 *
 * @example
 * const { findings } = await detect(clickhouse, { since: new Date(Date.now() - 86_400_000), tenant: EVERY_TENANT });
 * for (const { what, why, query } of findings) console.log(what, why, query);
 */
export async function detect(clickhouse: ClickHouse, options: DetectOptions): Promise<Detected> {
  const { since, until = new Date(), timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  const tenants = tenantsOf(options.tenant);
  const detectors = tuned(options.detectors ?? DETECTORS, options.only, options.thresholds);
  const stretches = periodOf(since, until);
  const call: CallOptions = { timeoutMs, ...(signal && { signal }) };
  const beginnings = await beginningsOf(clickhouse, tenants, call);
  const findings: Finding[] = [];
  const unjudged: Unjudged[] = [];
  const total = detectors.length * stretches.length;
  for (const [index, detector] of detectors.entries()) {
    if (detector.scope === 'ledger' && tenants !== undefined) {
      unjudged.push(ofWholeLedger(detector));
      continue;
    }
    const young = tooYoung(detector, stretches, beginnings);
    if (young !== undefined) unjudged.push(young);
    let cut = false;
    for (const [at, stretch] of stretches.entries()) {
      signal?.throwIfAborted();
      options.onStep?.(index * stretches.length + at, total);
      const rows = await ask(clickhouse, detector, stretch, tenants, call);
      cut ||= rows.length > MAX_FINDINGS;
      for (const row of rows.slice(0, MAX_FINDINGS)) {
        const finding = findingOf(detector, row);
        findings.push({ ...finding, eventIds: await evidenceOf(clickhouse, finding, call) });
      }
    }
    if (cut) unjudged.push(cutOff(detector));
  }
  options.onStep?.(total, total);
  findings.sort((a, b) => a.since.localeCompare(b.since) || a.id.localeCompare(b.id));
  return {
    findings,
    unjudged,
    since: new Date((stretches[0]?.from ?? 0) * 1000).toISOString(),
    until: new Date((stretches.at(-1)?.to ?? 0) * 1000).toISOString(),
  };
}

function periodOf(since: Date, until: Date): Stretch[] {
  const days = (until.getTime() - since.getTime()) / DAY_S / 1000;
  if (days > 0 && days <= MAX_DAYS) return stretchesOf(since, until);
  throw new LedgerlineError(
    'CONFIG_INVALID',
    `the time to look at ends before it begins, or is longer than ${MAX_DAYS} days`,
    { hint: 'Give a shorter one.' },
  );
}

async function ask(
  clickhouse: ClickHouse,
  detector: Detector,
  { day, from, to }: Stretch,
  tenants: readonly string[] | undefined,
  call: CallOptions,
): Promise<FindingRow[]> {
  const thresholds = Object.entries(detector.thresholds).map(([name, { value }]) => [name, value]);
  const sql = `SELECT * FROM (${detector.query}\n) ORDER BY score DESC, start, subject_id, key LIMIT {limit:UInt32}`;
  return clickhouse.query<FindingRow>(sql, {
    ...call,
    params: {
      ...Object.fromEntries(thresholds),
      ...scopeParams(tenants),
      day,
      from,
      to,
      history: day - detector.historyDays * DAY_S,
      limit: MAX_FINDINGS + 1,
    },
    settings: {
      readonly: 2,
      output_format_json_quote_64bit_integers: 0,
      // Joined columns of what is not there read as nothing, and not as NULL.
      join_use_nulls: 0,
      max_bytes_before_external_group_by: 512 * 1024 * 1024,
      max_execution_time: Math.ceil((call.timeoutMs ?? DEFAULT_TIMEOUT_MS) / 1000),
    },
  });
}

const scopeParams = (tenants: readonly string[] | undefined) => ({
  every: tenants === undefined ? 1 : 0,
  tenants: tenants ?? [],
});

/** The events that the finding's own query shows first. */
async function evidenceOf(
  clickhouse: ClickHouse,
  { query, tenant }: Omit<Finding, 'eventIds'>,
  call: CallOptions,
): Promise<string[]> {
  const { events } = await searchPage(clickhouse, query, {
    tenant: tenant === '' ? EVERY_TENANT : tenant,
    order: 'oldest',
    pageSize: EVIDENCE,
    ...call,
  });
  return events.map(({ id }) => id);
}

/** Since when the ledger knows each tenant; `''` is the whole ledger. Seconds since 1970. */
async function beginningsOf(
  clickhouse: ClickHouse,
  tenants: readonly string[] | undefined,
  call: CallOptions,
): Promise<ReadonlyMap<string, number>> {
  const rows = await clickhouse.query<{ tenant: string; first: number }>(
    `SELECT tenant_id AS tenant, toUnixTimestamp(min(hour)) AS first
     FROM audit_hourly WHERE {every:UInt8} = 1 OR tenant_id IN {tenants:Array(String)}
     GROUP BY tenant_id`,
    { ...call, params: scopeParams(tenants) },
  );
  return new Map(rows.map(({ tenant, first }) => [tenant, first]));
}

function tooYoung(
  { name, needsDays, scope }: Detector,
  stretches: readonly Stretch[],
  beginnings: ReadonlyMap<string, number>,
): Unjudged | undefined {
  const first = stretches[0];
  if (first === undefined || needsDays === 0 || beginnings.size === 0) return undefined;
  const needed = first.day - needsDays * DAY_S;
  const firstOfAll = Math.min(...beginnings.values());
  const young =
    scope === 'ledger'
      ? firstOfAll > needed
        ? ['']
        : []
      : [...beginnings].filter(([, begun]) => begun > needed).map(([tenant]) => tenant);
  if (young.length === 0) return undefined;
  return {
    detector: name,
    cause: 'history',
    tenants: young.slice(0, 10),
    tenantCount: young.length,
    why: `it needs ${needsDays} days of history before the first day that is looked at, and ${
      scope === 'ledger'
        ? 'the ledger begins later'
        : `${young.length} of ${beginnings.size} tenants begin later`
    }`,
  };
}

const ofWholeLedger = ({ name }: Detector): Unjudged => ({
  detector: name,
  cause: 'scope',
  tenants: [],
  tenantCount: 0,
  why: 'it is about the whole ledger, and only some tenants were asked for',
});

const cutOff = ({ name }: Detector): Unjudged => ({
  detector: name,
  cause: 'more',
  tenants: [],
  tenantCount: 0,
  why: `it found more than ${MAX_FINDINGS} on a day, of which the most unusual are answered: tune its thresholds`,
});
