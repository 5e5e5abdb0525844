import { LedgerlineError } from '../../schemas/errors.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { onClusterClause } from '../cluster.ts';
import { ClickHouseError } from '../errors.ts';
import { tenantsOf } from '../search/scope.ts';
import { fingerprintsOf } from './fingerprints.ts';
import { isNamedIn, type Person } from './person.ts';

/** An erasure that has begun and not ended: part of it may be done. */
export interface UnfinishedErasure {
  readonly id: string;
  /** When its first run began; ISO 8601. */
  readonly beganAt: string;
  /** Who began it, and why; empty where nobody said. */
  readonly actor: string;
  readonly reason: string;
  /** `undefined`: every tenant's. */
  readonly tenants: readonly string[] | undefined;
  /** How many it was given. */
  readonly identifiers: number;
  /** A run of it is at work, or was half a minute ago. Else nobody is, and the same identifiers complete it. */
  readonly atWork: boolean;
}

interface Known {
  readonly erasure: UnfinishedErasure;
  readonly fingerprints: readonly string[];
}

/**
 * Erasures that a kill or a fault has left half-way, and those at work, oldest first. What they are about
 * is not kept, so that only who knows the identifiers can complete one: by erasing the same person again.
 *
 * @example
 * const left = (await unfinishedErasures(clickhouse)).filter(({ atWork }) => !atWork);
 */
export async function unfinishedErasures(clickhouse: ClickHouse): Promise<UnfinishedErasure[]> {
  return (await readUnfinished(clickhouse)).map(({ erasure }) => erasure);
}

/** Those that erasing this person completes: they are about no other identifiers, and no other tenants. */
export async function unfinishedOf(
  clickhouse: ClickHouse,
  person: Person,
): Promise<UnfinishedErasure[]> {
  const tenants = tenantsOf(person.tenant);
  const own: UnfinishedErasure[] = [];
  for (const { erasure, fingerprints } of await readUnfinished(clickhouse)) {
    const theirs = erasure.tenants;
    const within =
      tenants === undefined || (theirs?.every((tenant) => tenants.includes(tenant)) ?? false);
    if (!within || fingerprints.length > person.identifiers.length) continue;
    const given = new Set(await fingerprintsOf(person.identifiers, erasure.id));
    if (fingerprints.every((each) => given.has(each))) own.push(erasure);
  }
  return own;
}

interface Row {
  readonly id: string;
  readonly began: string;
  readonly by: string;
  readonly why: string;
  readonly scope: readonly string[];
  readonly known: readonly string[];
  readonly at_work: number | boolean;
}

const UNKNOWN_TABLE = 60;

async function readUnfinished(clickhouse: ClickHouse): Promise<Known[]> {
  const rows = await clickhouse
    .query<Row>(
      `SELECT toString(erasure_id) AS id,
         formatDateTime(min(began_at), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS began,
         argMin(actor, began_at) AS by,
         argMin(reason, began_at) AS why,
         if(max(empty(tenants)), CAST([], 'Array(String)'), arraySort(groupUniqArrayArray(tenants))) AS scope,
         groupUniqArrayArray(fingerprints) AS known,
         max(turn) IN (
           SELECT turn FROM audit_turns GROUP BY turn HAVING max(until) > now64(3) AND NOT max(ended)
         ) AS at_work
       FROM audit_erasures
       WHERE ended_at = toDateTime64(0, 3, 'UTC')
       GROUP BY erasure_id
       ORDER BY began, id`,
    )
    .catch((error: unknown) => {
      // A database that was not yet migrated to have the record has none.
      if (error instanceof ClickHouseError && error.engineCode === UNKNOWN_TABLE) return [];
      throw error;
    });
  return rows.map((row) => ({
    erasure: {
      id: row.id,
      beganAt: row.began,
      actor: row.by,
      reason: row.why,
      tenants: row.scope.length === 0 ? undefined : row.scope,
      identifiers: row.known.length,
      atWork: Boolean(row.at_work),
    },
    fingerprints: row.known,
  }));
}

/** What the record keeps of a run. */
export interface ErasureWords {
  /** Who erases. */
  readonly actor?: string | undefined;
  /** Why: the request's number, never the person. It stays on record. */
  readonly reason?: string | undefined;
}

/** @throws LedgerlineError `CONFIG_INVALID` for a reason that names the person: it would be kept */
export function checkReason(person: Person, reason: string | undefined): void {
  if (reason === undefined || !isNamedIn(reason, person)) return;
  throw new LedgerlineError('CONFIG_INVALID', 'the reason names the person', {
    hint: 'It stays on record: name the request instead, by its number or date.',
  });
}

/** Before the first change of a run. */
export async function recordBegun(
  clickhouse: ClickHouse,
  id: string,
  turn: number,
  person: Person,
  { actor = '', reason = '' }: ErasureWords,
): Promise<void> {
  const params = {
    id,
    turn,
    at: Date.now(),
    actor,
    reason,
    tenants: tenantsOf(person.tenant) ?? [],
    fingerprints: await fingerprintsOf(person.identifiers, id),
  };
  await clickhouse.command(
    `INSERT INTO audit_erasures (erasure_id, turn, began_at, actor, reason, tenants, fingerprints)
     VALUES ({id:UUID}, {turn:UInt64}, fromUnixTimestamp64Milli({at:Int64}), {actor:String}, {reason:String}, {tenants:Array(String)}, {fingerprints:Array(String)})`,
    { params, settings: { async_insert: 0 } },
  );
}

/** After nothing was found any more. */
export const recordEnded = (clickhouse: ClickHouse, ids: readonly string[]): Promise<void> =>
  clickhouse.command(
    `ALTER TABLE audit_erasures${onClusterClause(clickhouse.cluster)}
     UPDATE ended_at = fromUnixTimestamp64Milli({at:Int64}), fingerprints = CAST([], 'Array(String)')
     WHERE erasure_id IN {ids:Array(UUID)}`,
    { params: { ids, at: Date.now() }, settings: { mutations_sync: 2 } },
  );
