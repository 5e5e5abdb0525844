import { LedgerlineError, uuidv7 } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { onClusterClause, storedIn } from '../cluster.ts';
import { asked } from '../search/ask.ts';
import { EVERY_TENANT, type TenantScope, tenantsOf } from '../search/scope.ts';
import { copyUnderHold, uncopied } from './copy.ts';
import { ACTIVE_HOLDS, EVENT_PLACE, type Hold, listHolds, recordAction } from './holds.ts';

export interface NewHold {
  /** What it is about, in the language of `search`. Relative times count from now, and are then fixed. */
  readonly query: string;
  readonly tenant: TenantScope;
  /** What people call it: `Case 2026-17`. */
  readonly name: string;
  /** Who answers for it. */
  readonly owner: string;
  readonly reason: string;
  /** Who places it. */
  readonly actor: string;
  readonly signal?: AbortSignal;
}

/**
 * Places a hold: every event that the query matches now is copied to where no retention reaches it, and
 * stays to be found by searches until the hold is released. Events that come later are taken up by
 * {@link syncHolds}, which `retention sweep` runs first; run it at least once within the shortest
 * retention class.
 *
 * Expiry is stopped while it works. Where the process is killed meanwhile it stays stopped until the
 * next hold, sync or sweep: nothing is lost by that.
 *
 * @throws LedgerlineError `HOLD_INCOMPLETE` when an event went before it could be copied; as `search`
 *
 * @example
 * const hold = await placeHold(clickhouse, {
 *   query: 'actor:user/u_7', tenant: 'acme', name: 'Case 17', owner: 'legal', reason: 'litigation', actor: 'ops-1',
 * });
 */
export async function placeHold(clickhouse: ClickHouse, given: NewHold): Promise<Hold> {
  const hold = uuidv7();
  // The moment that relative times count from is kept to the second.
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  const question = await asked(clickhouse, given.query, { tenant: given.tenant, now });
  await withoutExpiry(clickhouse, async () => {
    await recordAction(clickhouse, {
      hold,
      action: 'placed',
      at: now,
      name: given.name,
      owner: given.owner,
      reason: given.reason,
      actor: given.actor,
      query: given.query,
      tenants: tenantsOf(given.tenant),
      events: 0,
    });
    await copyUnderHold(clickhouse, hold, question, given.signal);
  });
  const lost = await uncopied(clickhouse, hold);
  const placed = (await listHolds(clickhouse)).find(({ id }) => id === hold);
  if (placed === undefined || lost > 0) throw incomplete(hold, lost);
  return placed;
}

/** What syncing one hold has brought under it. */
export interface Synced {
  readonly hold: Hold;
  readonly added: number;
}

/**
 * Takes up what has come since, for every hold that holds, and removes copies that no hold needs any
 * more. Safe to run at any time, and twice at once.
 */
export async function syncHolds(clickhouse: ClickHouse, signal?: AbortSignal): Promise<Synced[]> {
  const holds = await listHolds(clickhouse);
  const synced: Synced[] = [];
  await withoutExpiry(clickhouse, async () => {
    for (const hold of holds.filter(({ releasedAt }) => releasedAt === undefined)) {
      signal?.throwIfAborted();
      const question = await asked(clickhouse, hold.query, {
        tenant: hold.tenants ?? EVERY_TENANT,
        // As when it was placed: "since 7 days ago" must not move on with time.
        now: new Date(hold.placedAt),
      });
      const added = await copyUnderHold(clickhouse, hold.id, question, signal);
      await recordAction(clickhouse, { hold: hold.id, action: 'synced', events: added });
      synced.push({ hold, added });
    }
  });
  await removeUnheld(clickhouse, holds);
  return synced;
}

export interface Release {
  readonly hold: string;
  readonly reason: string;
  readonly actor: string;
}

/**
 * Releases a hold: the days of its events' classes count again, so that what is past them is seen no
 * more. Their copies go with the next {@link syncHolds} that is an hour later or more.
 *
 * @returns the hold as it was; `undefined` where there is none that holds
 */
export async function releaseHold(
  clickhouse: ClickHouse,
  { hold, reason, actor }: Release,
): Promise<Hold | undefined> {
  const known = (await listHolds(clickhouse)).find(({ id }) => id === hold);
  if (known === undefined || known.releasedAt !== undefined) return undefined;
  await recordAction(clickhouse, {
    hold,
    action: 'released',
    reason,
    actor,
    events: known.events,
  });
  return known;
}

/** A hold that is being placed may need a copy just now: only what was let go a while ago is removed. */
const GRACE_MS = 3_600_000;

async function removeUnheld(clickhouse: ClickHouse, holds: readonly Hold[]): Promise<void> {
  const long = holds.some(
    ({ releasedAt }) => releasedAt !== undefined && Date.now() - Date.parse(releasedAt) > GRACE_MS,
  );
  if (!long) return;
  const { cluster } = clickhouse;
  const recent = holds
    .filter(
      ({ releasedAt }) =>
        releasedAt !== undefined && Date.now() - Date.parse(releasedAt) <= GRACE_MS,
    )
    .map(({ id }) => id);
  await clickhouse.command(
    `DELETE FROM ${storedIn('audit_held', cluster)}${onClusterClause(cluster)}
     WHERE ${EVENT_PLACE} NOT IN (
       SELECT kafka_topic_id, kafka_partition, kafka_offset FROM audit_hold_events
       WHERE hold_id IN (${ACTIVE_HOLDS}) OR has({recent:Array(UUID)}, hold_id)
     )`,
    { params: { recent }, settings: { lightweight_deletes_sync: 2 }, timeoutMs: 3_600_000 },
  );
}

/** While events are copied the table drops none: what a search showed a moment ago can still be copied. */
async function withoutExpiry(clickhouse: ClickHouse, work: () => Promise<void>): Promise<void> {
  const { cluster } = clickhouse;
  const table = storedIn('audit_events', cluster);
  await clickhouse.command(`SYSTEM STOP TTL MERGES${onClusterClause(cluster)} ${table}`);
  try {
    await work();
  } finally {
    await clickhouse.command(`SYSTEM START TTL MERGES${onClusterClause(cluster)} ${table}`);
  }
}

const incomplete = (hold: string, lost: number): LedgerlineError =>
  new LedgerlineError(
    'HOLD_INCOMPLETE',
    `The hold ${hold} stands, but ${lost} of its events expired while it was being placed.`,
    { hint: 'What Kafka still has can be had back: see docs/holds.md.' },
  );
