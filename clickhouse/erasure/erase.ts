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
 * replaced are erased as well. Running it again erases what has come since. What Kafka still holds is not
 * touched: a rebuild copies erased events from the table as they are (docs/erasure.md).
 *
 * @throws LedgerlineError `ERASURE_HELD` when a hold forbids it, `KEEPING_BUSY` where another's turn does not
 *   end; nothing was changed then. ErasureIncomplete when something is still found afterwards
 *
 * @example
 * const { erased } = await erase(clickhouse, { identifiers: ['u_7', 'jane@example.com'], tenant: 'acme' });
 */
export async function erase(
  clickhouse: ClickHouse,
  person: Person,
  waiting: Waiting = {},
): Promise<Erasure> {
  checkPerson(person);
  return inTurn(clickhouse, 'erasure', (turn) => eraseInTurn(clickhouse, person, turn), waiting);
}

async function eraseInTurn(clickhouse: ClickHouse, person: Person, turn: Turn): Promise<Erasure> {
  const found = await findTraces(clickhouse, person);
  if (found.holds.length > 0) throw heldError(found.holds);
  const id = uuidv7();
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
    const { audit_holds: ofHolds, audit_quarantine_resolutions: ofMessages } = RECORDS;
    await mutate(`audit_holds${onClusterClause(cluster)}`, erasedRecord(ofHolds), (params) =>
      areNamed(ofHolds, person, params),
    );
    await mutate(stored('audit_quarantine_resolutions'), erasedRecord(ofMessages), (params) =>
      areNamed(ofMessages, person, params),
    );
  }
  const remaining = totalOf(await findTraces(clickhouse, person));
  const erasure = { id, erased: found, remaining, replacedParts: await inactiveParts(clickhouse) };
  if (remaining > 0) throw new ErasureIncomplete(erasure);
  return erasure;
}

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
