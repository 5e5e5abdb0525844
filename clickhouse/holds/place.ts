import { LedgerlineError, uuidv7 } from '../../schemas/index.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { onClusterClause, storedIn } from '../cluster.ts';
import { ERASED_ATTRIBUTE } from '../erasure/person.ts';
import { asked } from '../search/ask.ts';
import { type TenantScope, tenantsOf } from '../search/scope.ts';
import { copyUnderHold, questionOf, uncopied } from './copy.ts';
import { ACTIVE_HOLDS, EVENT_PLACE, type Hold, listHolds, recordAction } from './holds.ts';
import { erasing, inTurn, type Turn, type Waiting } from './turn.ts';

export interface NewHold extends Waiting {
  /** Its id, a UUID, for whoever wants to know it also where placing fails. Default: a new one. */
  readonly id?: string;
  /** What it is about, in the language of `search`. Relative times count from now, and are then fixed. */
  readonly query: string;
  readonly tenant: TenantScope;
  /** Of dates in the query that name none. Default `UTC`. */
  readonly timeZone?: string;
  /** What people call it: `Case 2026-17`. */
  readonly name: string;
  /** Who answers for it. */
  readonly owner: string;
  readonly reason: string;
  /** Who places it. */
  readonly actor: string;
}

/**
 * Places a hold: every event that the query matches now is copied to where no retention reaches it, and
 * stays to be found by searches until the hold is released. Events that come later are taken up by
 * {@link syncHolds}, which `retention sweep` runs first; run it at least once within the shortest
 * retention class.
 *
 * It is done in a turn of its own: other holds, sweeps and erasures wait. Expiry is stopped while it works.
 * Where the process is killed meanwhile it stays stopped until the next hold, sync or sweep, which also
 * ends what was begun: nothing is lost by that.
 *
 * @throws LedgerlineError `CONFIG_INVALID` without a name, owner, reason or actor; `KEEPING_BUSY` while an erasure is at work, or where another's turn does not end:
 *   nothing is held then. `HOLD_INCOMPLETE` when an event went before it could be copied; as `search`
 *
 * @example
 * const hold = await placeHold(clickhouse, {
 *   query: 'actor:user/u_7', tenant: 'acme', name: 'Case 17', owner: 'legal', reason: 'litigation', actor: 'ops-1',
 * });
 */
export async function placeHold(clickhouse: ClickHouse, given: NewHold): Promise<Hold> {
  const { name, owner, reason, actor } = given;
  assertSaid({ name, owner, reason, actor });
  const { id: hold = uuidv7(), tenant, timeZone = 'UTC' } = given;
  // The moment that relative times count from is kept to the second.
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  const question = await asked(clickhouse, given.query, { tenant, timeZone, now });
  await inTurn(
    clickhouse,
    'hold',
    async (turn) => {
      if (await isErasing(clickhouse)) throw erasing();
      // First: whoever finds expiry stopped by a kill finds the hold as well.
      await recordAction(clickhouse, {
        hold,
        action: 'placed',
        at: now,
        name: given.name,
        owner: given.owner,
        reason: given.reason,
        actor: given.actor,
        query: given.query,
        timeZone,
        tenants: tenantsOf(tenant),
        events: 0,
      });
      await withoutExpiry(clickhouse, () =>
        copyUnderHold(clickhouse, hold, question, turn, given.signal),
      );
    },
    given,
  );
  const lost = await uncopied(clickhouse, hold);
  const placed = (await listHolds(clickhouse)).find(({ id }) => id === hold);
  if (placed === undefined || lost > 0) throw incomplete(hold, lost);
  return placed;
}

/** Nobody could answer for a hold that does not say whose it is, and why. */
function assertSaid(words: Readonly<Record<string, string>>): void {
  const blank = Object.keys(words).filter((word) => words[word]?.trim() === '');
  if (blank.length === 0) return;
  throw new LedgerlineError('CONFIG_INVALID', `empty: ${blank.join(', ')}`, {
    hint: 'A hold says what it is called, who answers for it, why, and who placed or released it.',
  });
}

/** What syncing one hold has brought under it. */
export interface Synced {
  readonly hold: Hold;
  readonly added: number;
}

/**
 * Takes up what has come since, for every hold that holds, and removes copies that no hold needs any
 * more. Safe to run at any time, and twice at once: the second waits.
 *
 * @throws LedgerlineError `KEEPING_BUSY`
 */
export const syncHolds = (clickhouse: ClickHouse, waiting: Waiting = {}): Promise<Synced[]> =>
  inTurn(clickhouse, 'sync', (turn) => syncInTurn(clickhouse, turn, waiting.signal), waiting);

/** The same within a turn that was taken for something else. */
export async function syncInTurn(
  clickhouse: ClickHouse,
  turn: Turn,
  signal?: AbortSignal,
): Promise<Synced[]> {
  const holds = await listHolds(clickhouse);
  const synced: Synced[] = [];
  if (holds.length === 0) return synced;
  if (await isErasing(clickhouse)) throw erasing();
  await withoutExpiry(clickhouse, async () => {
    for (const hold of holds.filter(({ releasedAt }) => releasedAt === undefined)) {
      signal?.throwIfAborted();
      const question = await questionOf(clickhouse, hold);
      const added = await copyUnderHold(clickhouse, hold.id, question, turn, signal);
      await recordAction(clickhouse, { hold: hold.id, action: 'synced', events: added });
      synced.push({ hold, added });
    }
  });
  turn.assertMine();
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
  assertSaid({ reason, actor });
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

/**
 * While events are copied the table drops none: what a search showed a moment ago can still be copied. Only
 * within a turn, so that nobody lets expiry go on under another's copying.
 */
async function withoutExpiry(clickhouse: ClickHouse, work: () => Promise<unknown>): Promise<void> {
  const { cluster } = clickhouse;
  const table = storedIn('audit_events', cluster);
  await clickhouse.command(`SYSTEM STOP TTL MERGES${onClusterClause(cluster)} ${table}`);
  try {
    await work();
  } finally {
    await clickhouse.command(`SYSTEM START TTL MERGES${onClusterClause(cluster)} ${table}`);
  }
}

/** The engine ends a mutation also when whoever began it was killed, long after its turn. */
async function isErasing(clickhouse: ClickHouse): Promise<boolean> {
  const { cluster, database } = clickhouse;
  const mutations =
    cluster === undefined
      ? 'system.mutations'
      : `clusterAllReplicas(\`${cluster}\`, system.mutations)`;
  const [row] = await clickhouse.query<{ at_work: string }>(
    `SELECT count() AS at_work FROM ${mutations}
     WHERE database = {database:String} AND NOT is_done AND position(command, '${ERASED_ATTRIBUTE}') > 0`,
    { params: { database } },
  );
  return Number(row?.at_work ?? 0) > 0;
}

const incomplete = (hold: string, lost: number): LedgerlineError =>
  new LedgerlineError(
    'HOLD_INCOMPLETE',
    `The hold ${hold} stands, but ${lost} of its events expired while it was being placed.`,
    { hint: 'What Kafka still has can be had back: see docs/holds.md.' },
  );
