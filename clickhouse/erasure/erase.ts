import { LedgerlineError, uuidv7 } from '../../schemas/index.ts';
import { identifier } from '../access/names.ts';
import type { ClickHouse } from '../clickhouse.ts';
import { onClusterClause, storedIn } from '../cluster.ts';
import { heldSql } from '../holds/copy.ts';
import type { Hold } from '../holds/holds.ts';
import { inTurn, type Turn, type Waiting } from '../holds/turn.ts';
import { Parameters } from '../search/compile.ts';
import { EVERY_TENANT } from '../search/scope.ts';
import { areNamed, checkPerson, eventsOf, messagesOf, type Person, RECORDS } from './person.ts';
import {
  checkReason,
  type ErasureWords,
  recordBegun,
  recordEnded,
  unfinishedOf,
} from './record.ts';
import { tablesBeside } from './tables.ts';
import { erasureCall, findTraces, holdings, totalOf, type Traces } from './traces.ts';
import { erasedEvent, erasedMessage, erasedRecord } from './values.ts';

export interface Erasure {
  /** Stands in `attributes['ledger.erased']` of every event whose values it replaced. */
  readonly id: string;
  readonly erased: Traces;
  /** What a search of every table finds afterwards: nothing, or it was not complete. */
  readonly remaining: number;
  /** Parts with the old values that are out of use; ClickHouse removes them within about 8 minutes. */
  readonly replacedParts: number;
}

/** An erasure right before its first change. */
export interface BegunErasure {
  readonly id: string;
  /** It completes one that had begun and not ended. */
  readonly resumed: boolean;
  /** What there is to erase. */
  readonly found: Traces;
}

export interface ErasureOptions extends Waiting, ErasureWords {
  /** Told once the beginning is stored; nothing is changed where it fails. */
  readonly onBegun?: (begun: BegunErasure) => Promise<void>;
  /** Told once nothing is found any more; the erasure has not ended where it fails. */
  readonly onErased?: (erasure: Erasure) => Promise<void>;
}

/**
 * `ERASURE_INCOMPLETE`: values were replaced, and something is still found. What was done is done, and
 * belongs on the record like any other erasure.
 */
export class ErasureIncomplete extends LedgerlineError {
  override readonly name = 'ErasureIncomplete';
  readonly erasure: Erasure;

  constructor(erasure: Erasure) {
    super(
      'ERASURE_INCOMPLETE',
      `After the erasure ${erasure.id}, ${erasure.remaining} events or messages of this person are still found.`,
      { hint: 'Events may have arrived meanwhile: run it again, which erases what is left.' },
    );
    this.erasure = erasure;
  }
}

/**
 * Replaces a person's values in every event that is about them, or names them: names, texts, changes,
 * data, execution, attributes and the address. That something happened, when, of which type, by and to
 * which ids, and how it ended, stays. Ids are surrogates and stay as well.
 *
 * It is done in a turn of its own, so that no hold is placed meanwhile. Tables that a rebuild has filled or
 * replaced are erased as well. That it has begun is stored before the first change, in `audit_erasures`, and that it has ended
 * when nothing is found any more: {@link unfinishedErasures} has what was killed in between. Running it again completes
 * that, and erases what has come since. What Kafka still holds is not
 * touched: a rebuild copies erased events from the table as they are (docs/erasure.md).
 *
 * @throws LedgerlineError `ERASURE_HELD` when a hold forbids it, `KEEPING_BUSY` where another's turn does not
 *   end, `CONFIG_INVALID` for a reason that names the person; nothing was changed then. ErasureIncomplete when something is still
 *   found afterwards
 *
 * @example
 * const person = { identifiers: ['u_7', 'jane@example.com'], tenant: 'acme' };
 * const { erased } = await erase(clickhouse, person, { actor: 'ops-1', reason: 'request 12' });
 */
export async function erase(
  clickhouse: ClickHouse,
  person: Person,
  options: ErasureOptions = {},
): Promise<Erasure> {
  checkPerson(person);
  checkReason(person, options.reason);
  return inTurn(
    clickhouse,
    'erasure',
    (turn) => eraseInTurn(clickhouse, person, turn, options),
    options,
  );
}

async function eraseInTurn(
  clickhouse: ClickHouse,
  person: Person,
  turn: Turn,
  options: ErasureOptions,
): Promise<Erasure> {
  const found = await findTraces(clickhouse, person);
  if (found.holds.length > 0) throw heldError(found.holds);
  const unfinished = (await unfinishedOf(clickhouse, person)).map((one) => one.id);
  const id = unfinished[0] ?? uuidv7();
  turn.assertMine();
  await recordBegun(clickhouse, id, turn.number, person, options);
  await options.onBegun?.({ id, resumed: unfinished.length > 0, found });
  const { cluster } = clickhouse;
  const mutate = async (
    table: string,
    values: (id: string, person: Person, params: Parameters) => string,
    where: (params: Parameters) => string,
  ): Promise<void> => {
    const params = new Parameters();
    const sql = `ALTER TABLE ${table} UPDATE ${values(id, person, params)}\nWHERE ${where(params)}`;
    turn.assertMine();
    await clickhouse.command(sql, { ...erasureCall(params), settings: { mutations_sync: 2 } });
  };
  const stored = (table: string): string =>
    `${storedIn(table, cluster)}${onClusterClause(cluster)}`;

  const held = await holdings(clickhouse);
  // What has come under a hold since it was looked for is left, and then still found.
  const ledger = (params: Parameters): string =>
    [eventsOf(person, params), ...held.map((one) => `NOT (${heldSql(one.question, params)})`)].join(
      ' AND ',
    );
  await mutate(stored('audit_events'), erasedEvent, ledger);
  const beside = (await tablesBeside(clickhouse)).map(identifier);
  for (const table of [stored('audit_held'), ...beside]) {
    await mutate(table, erasedEvent, (params) => eventsOf(person, params));
  }
  if (person.tenant === EVERY_TENANT) {
    await mutate(stored('audit_quarantine'), erasedMessage, (params) => messagesOf(person, params));
    for (const [table, columns] of Object.entries(RECORDS)) {
      const whole = SPREAD_RECORDS.has(table)
        ? stored(table)
        : `${table}${onClusterClause(cluster)}`;
      await mutate(whole, erasedRecord(columns), (params) => areNamed(columns, person, params));
    }
  }
  const remaining = totalOf(await findTraces(clickhouse, person));
  const erasure = { id, erased: found, remaining, replacedParts: await inactiveParts(clickhouse) };
  if (remaining > 0) throw new ErasureIncomplete(erasure);
  await options.onErased?.(erasure);
  await recordEnded(clickhouse, [id, ...unfinished]);
  return erasure;
}

/** Records by Kafka's partition; the others are whole on every node of a cluster. */
const SPREAD_RECORDS: ReadonlySet<string> = new Set(['audit_quarantine_resolutions']);

async function inactiveParts(clickhouse: ClickHouse): Promise<number> {
  const [row] = await clickhouse.query<{ parts: string }>(
    'SELECT count() AS parts FROM system.parts WHERE database = {database:String} AND NOT active',
    { params: { database: clickhouse.database } },
  );
  return Number(row?.parts ?? 0);
}

const heldError = (holds: readonly Hold[]): LedgerlineError =>
  new LedgerlineError(
    'ERASURE_HELD',
    `Events of this person are under ${holds.length === 1 ? 'a hold' : `${holds.length} holds`}: ${holds.map(({ id }) => id).join(', ')}.`,
    { hint: 'Nothing was erased. Have the holds released first (`ledgerline hold list`).' },
  );
