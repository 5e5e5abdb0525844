import { identifier } from '../access/names.ts';
import type { CallOptions, ClickHouse } from '../clickhouse.ts';
import { heldSql, questionOf } from '../holds/copy.ts';
import { ACTIVE_HOLDS, EVENT_PLACE, type Hold, listHolds } from '../holds/holds.ts';
import type { Asked } from '../search/ask.ts';
import { Parameters } from '../search/compile.ts';
import { EVERY_TENANT } from '../search/scope.ts';
import {
  areNamed,
  checkPerson,
  eventsOf,
  isNamed,
  isParty,
  messagesOf,
  type Person,
  RECORDS,
} from './person.ts';
import { tablesBeside } from './tables.ts';

/** What there is of a person in the ledger. */
export interface Traces {
  /** Events of the ledger: as actor, target or related party, or named in a text alone. */
  readonly asParty: number;
  readonly namedOnly: number;
  /** Copies under holds that were released. */
  readonly heldCopies: number;
  /** Events in tables beside the ledger, as rebuilds leave them; only tables that have any. */
  readonly elsewhere: readonly { readonly table: string; readonly events: number }[];
  /** Messages in quarantine that name them. Those have no tenant: an erasure for some tenants leaves them. */
  readonly quarantined: number;
  /** Records of holds, and of what was done about quarantined messages, that name them; as `quarantined`. */
  readonly records: number;
  /** Holds that forbid it. */
  readonly holds: readonly Hold[];
}

/** Rewriting parts takes its time, and so does reading all texts. */
const TIMEOUT_MS = 6 * 3_600_000;

export const erasureCall = (params: Parameters): CallOptions => ({
  params: params.values,
  timeoutMs: TIMEOUT_MS,
});

/**
 * Finds what there is of a person, and changes nothing.
 *
 * @throws LedgerlineError `CONFIG_INVALID` for identifiers that are too short
 */
export async function findTraces(clickhouse: ClickHouse, person: Person): Promise<Traces> {
  checkPerson(person);
  const events = await countEvents(clickhouse, person);
  const heldCopies = await count(clickhouse, 'audit_held', (params) => eventsOf(person, params));
  const elsewhere: { table: string; events: number }[] = [];
  for (const table of await tablesBeside(clickhouse)) {
    const found = await count(clickhouse, identifier(table), (params) => eventsOf(person, params));
    if (found > 0) elsewhere.push({ table, events: found });
  }
  const quarantined =
    person.tenant === EVERY_TENANT
      ? await count(clickhouse, 'audit_quarantine', (params) => messagesOf(person, params))
      : 0;
  let records = 0;
  for (const [table, columns] of person.tenant === EVERY_TENANT ? Object.entries(RECORDS) : []) {
    records += await count(clickhouse, table, (params) => areNamed(columns, person, params));
  }
  const holds = await holdsOn(clickhouse, person);
  return { ...events, heldCopies, elsewhere, quarantined, records, holds };
}

/** All of them, whatever table they are in. */
export const totalOf = (traces: Traces): number =>
  traces.asParty +
  traces.namedOnly +
  traces.heldCopies +
  traces.elsewhere.reduce((sum, { events }) => sum + events, 0) +
  traces.quarantined +
  traces.records;

async function countEvents(
  clickhouse: ClickHouse,
  person: Person,
): Promise<{ asParty: number; namedOnly: number }> {
  const params = new Parameters();
  const [row] = await clickhouse.query<{ as_party: string; named_only: string }>(
    `SELECT countIf(${isParty(person, params)}) AS as_party,
       countIf(NOT ${isParty(person, params)} AND ${isNamed(person, params)}) AS named_only
FROM audit_events
WHERE ${eventsOf(person, params)}`,
    erasureCall(params),
  );
  return { asParty: Number(row?.as_party ?? 0), namedOnly: Number(row?.named_only ?? 0) };
}

async function count(
  clickhouse: ClickHouse,
  table: string,
  where: (params: Parameters) => string,
): Promise<number> {
  const params = new Parameters();
  const [row] = await clickhouse.query<{ rows: string }>(
    `SELECT count() AS rows FROM ${table} WHERE ${where(params)}`,
    erasureCall(params),
  );
  return Number(row?.rows ?? 0);
}

/** A hold that holds, and what it is about. */
interface Holding {
  readonly hold: Hold;
  readonly question: Asked;
}

export async function holdings(clickhouse: ClickHouse): Promise<readonly Holding[]> {
  const active = (await listHolds(clickhouse)).filter(({ releasedAt }) => releasedAt === undefined);
  return Promise.all(
    active.map(async (hold) => ({ hold, question: await questionOf(clickhouse, hold) })),
  );
}

/**
 * Holds that hold, with an event of the person, one that was copied or one that no sync has taken up yet; and
 * those whose query names them: it has to stay while it holds.
 */
async function holdsOn(clickhouse: ClickHouse, person: Person): Promise<Hold[]> {
  const active = await holdings(clickhouse);
  if (active.length === 0) return [];
  const found = new Set<string>();
  for (const table of ['audit_events', 'audit_held']) {
    const params = new Parameters();
    const rows = await clickhouse.query<{ id: string }>(
      `SELECT DISTINCT toString(hold_id) AS id
FROM audit_hold_events
WHERE hold_id IN (${ACTIVE_HOLDS})
  AND ${EVENT_PLACE} IN (SELECT kafka_topic_id, kafka_partition, kafka_offset FROM ${table} WHERE ${eventsOf(person, params)})`,
      erasureCall(params),
    );
    for (const { id } of rows) found.add(id);
  }
  const params = new Parameters();
  const matching = active.map(({ question }) => `countIf(${heldSql(question, params)})`);
  const [row] = await clickhouse.query<{ events: readonly string[] }>(
    `SELECT [${matching.join(', ')}] AS events FROM audit_events WHERE ${eventsOf(person, params)}`,
    erasureCall(params),
  );
  const asks = new Parameters();
  const named = await clickhouse.query<{ id: string }>(
    `SELECT DISTINCT toString(hold_id) AS id FROM audit_holds
WHERE hold_id IN (${ACTIVE_HOLDS}) AND ${areNamed(['query'], person, asks)}`,
    erasureCall(asks),
  );
  if (person.tenant === EVERY_TENANT) for (const { id } of named) found.add(id);
  return active
    .filter(({ hold }, at) => found.has(hold.id) || Number(row?.events[at] ?? 0) > 0)
    .map(({ hold }) => hold);
}
