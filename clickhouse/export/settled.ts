import { setTimeout as pause } from 'node:timers/promises';
import { LedgerlineError } from '../../schemas/errors.ts';
import { literal } from '../access/names.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { ClickHouseError } from '../errors.ts';
import { type AskOptions, callOptions } from '../search/ask.ts';
import { Parameters } from '../search/compile.ts';

/** The oldest insert that is at work: what it stores bears the time at which it began. */
export interface InsertAtWork {
  /** Since when; ISO 8601. */
  readonly since: string;
  /** ClickHouse's; `undefined` where this user may not know. */
  readonly queryId: string | undefined;
}

/** What becomes of an export that an insert holds back: a batch takes seconds, one that hangs takes hours. */
export interface Settling {
  /** Take what was stored before the insert, instead of refusing. */
  readonly heldBack?: boolean;
  /** How far back the export's moment may lie. 60,000. */
  readonly toleratedMs?: number;
  /** How long an insert that has been at work for longer is waited for. 30,000. */
  readonly patienceMs?: number;
  /** Told once, where it has to wait. */
  readonly onHeldBack?: (insert: InsertAtWork) => void;
}

/** Up to when everything that was stored can be seen. */
export interface Settled {
  /** Unix time in milliseconds, by the engine's clock. */
  readonly untilMs: number;
  /** What holds it back by more than is tolerated. */
  readonly by: InsertAtWork | undefined;
}

/** How far the clocks of a cluster's nodes may differ. */
const CLUSTER_SKEW_MS = 1_000;
const LOOK_MS = 500;

/**
 * An event bears the time at which its insert began, and is seen when that ends. So the moment is now, or
 * right before the oldest insert began that is still at work: what was stored by then can be counted, and
 * nothing joins it afterwards.
 *
 * @throws LedgerlineError `EXPORT_INCOMPLETE` where an insert that hangs would hold the moment back
 */
export async function settled(
  clickhouse: ClickHouse,
  {
    heldBack = false,
    toleratedMs = 60_000,
    patienceMs = 30_000,
    ...options
  }: AskOptions & Settling,
): Promise<Settled> {
  const { signal, onHeldBack } = options;
  const skewMs = clickhouse.cluster === undefined ? 1 : CLUSTER_SKEW_MS;
  const deadline = performance.now() + patienceMs;
  for (let waits = false; ; waits = true) {
    const { nowMs, sinceMs, queryId } = await oldestInsert(clickhouse, options);
    const untilMs = sinceMs - skewMs;
    if (nowMs - sinceMs <= toleratedMs) return { untilMs, by: undefined };
    const by = { since: new Date(sinceMs).toISOString(), queryId };
    if (heldBack) return { untilMs, by };
    if (performance.now() >= deadline) throw hangs(by);
    if (!waits) onHeldBack?.(by);
    await pause(LOOK_MS, undefined, signal && { signal });
  }
}

interface Oldest {
  readonly nowMs: number;
  /** Now, where no insert is at work. */
  readonly sinceMs: number;
  readonly queryId: string | undefined;
}

const ACCESS_DENIED = 497;
const IS_INSERT = "query_kind IN ('Insert', 'AsyncInsertFlush')";
/** Into this ledger, by whatever name; a hold's copies keep the times of what they copy. */
const INTO_EVENTS = `position(query, 'audit_events') > 0 AND NOT match(query, '^INSERT INTO audit_h')
  AND (current_database = {database:String} OR position(query, {database:String}) > 0)`;

/** What is asked for, from the best on: whoever may not read statements waits for inserts into other tables as well. */
const QUESTIONS = [
  { insert: `${IS_INSERT} AND ${INTO_EVENTS}`, id: 'query_id' },
  { insert: IS_INSERT, id: 'query_id' },
  { insert: IS_INSERT, id: "''" },
] as const;

async function oldestInsert(clickhouse: ClickHouse, options: AskOptions): Promise<Oldest> {
  let denied: unknown;
  for (const question of QUESTIONS) {
    try {
      return await ask(clickhouse, options, question);
    } catch (error) {
      if (!(error instanceof ClickHouseError) || error.engineCode !== ACCESS_DENIED) throw error;
      denied = error;
    }
  }
  throw denied;
}

async function ask(
  clickhouse: ClickHouse,
  options: AskOptions,
  { insert, id }: (typeof QUESTIONS)[number],
): Promise<Oldest> {
  const { cluster, database } = clickhouse;
  const processes =
    cluster === undefined
      ? 'system.processes'
      : `clusterAllReplicas(\`${cluster}\`, system.processes)`;
  const call = callOptions(options, new Parameters());
  const [row] = await clickhouse.query<{ now: string; back: string; id: string }>(
    `SELECT toUnixTimestamp64Milli(now64(3)) AS now,
       toInt64(ceil(1000 * maxIf(elapsed, ${insert}))) AS back,
       argMaxIf(${id}, elapsed, ${insert}) AS id
FROM ${processes}`,
    { ...call, params: { database } },
  );
  const nowMs = Number(row?.now ?? 0);
  return { nowMs, sinceMs: nowMs - Number(row?.back ?? 0), queryId: row?.id || undefined };
}

function hangs({ since, queryId }: InsertAtWork): LedgerlineError {
  const whose = queryId === undefined ? '' : ` (query id ${queryId})`;
  const end =
    queryId === undefined
      ? 'have whoever runs ClickHouse look for it in system.processes'
      : `end it with KILL QUERY WHERE query_id = ${literal(queryId)}`;
  return new LedgerlineError(
    'EXPORT_INCOMPLETE',
    `An insert has been at work since ${since}${whose}: the export would lack what was stored after that.`,
    { hint: `Wait for it, or ${end}; or take out what was stored before it, with --held-back.` },
  );
}
