import { LedgerlineError, uuidv7 } from '../../schemas/index.ts';
import type { CallOptions, ClickHouse } from '../clickhouse.ts';
import { onClusterClause, storedIn } from '../cluster.ts';
import { ACTIVE_HOLDS, EVENT_PLACE, type Hold, listHolds } from '../holds/holds.ts';
import { Parameters } from '../search/compile.ts';
import { EVERY_TENANT } from '../search/scope.ts';
import {
  checkPerson,
  ERASED,
  ERASED_ATTRIBUTE,
  eventsOf,
  isNamed,
  isParty,
  JSON_TEXTS,
  jsonWordPattern,
  KEPT_ATTRIBUTES,
  messagesOf,
  type Person,
  PLAIN_TEXTS,
} from './person.ts';

/** What there is of a person in the ledger. */
export interface Traces {
  /** Events of the ledger: as actor, target or related party, or named in a text alone. */
  readonly asParty: number;
  readonly namedOnly: number;
  /** Copies under holds that were released. */
  readonly heldCopies: number;
  /** Messages in quarantine that name them. Those have no tenant: an erasure for some tenants leaves them. */
  readonly quarantined: number;
  /** Holds that forbid it. */
  readonly holds: readonly Hold[];
}

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

/** Rewriting parts takes its time. */
const MUTATION_TIMEOUT_MS = 6 * 3_600_000;

/**
 * Finds what there is of a person, and changes nothing.
 *
 * @throws LedgerlineError `CONFIG_INVALID` for identifiers that are too short
 */
export async function findTraces(clickhouse: ClickHouse, person: Person): Promise<Traces> {
  checkPerson(person);
  const [events, held, quarantined, holds] = [
    await countEvents(clickhouse, person),
    await count(clickhouse, 'audit_held', (params) => eventsOf(person, params)),
    person.tenant === EVERY_TENANT
      ? await count(clickhouse, 'audit_quarantine', (params) => messagesOf(person, params))
      : 0,
    await holdsOn(clickhouse, person),
  ];
  return { ...events, heldCopies: held, quarantined, holds };
}

/**
 * Replaces a person's values in every event that is about them, or names them: names, texts, changes,
 * data, execution, attributes and the address. That something happened, when, of which type, by and to
 * which ids, and how it ended, stays. Ids are surrogates and stay as well.
 *
 * Running it again erases what has come since. What Kafka still holds is not touched: a rebuild copies
 * erased events from the table as they are (docs/erasure.md).
 *
 * @throws LedgerlineError `ERASURE_HELD` when a hold forbids it; nothing was changed then.
 *   ErasureIncomplete when something is still found afterwards
 *
 * @example
 * const { erased } = await erase(clickhouse, { identifiers: ['u_7', 'jane@example.com'], tenant: 'acme' });
 */
export async function erase(clickhouse: ClickHouse, person: Person): Promise<Erasure> {
  const found = await findTraces(clickhouse, person);
  if (found.holds.length > 0) throw heldError(found.holds);
  const id = uuidv7();
  for (const table of ['audit_events', 'audit_held']) {
    await mutate(clickhouse, table, (params) => {
      const mark = params.bind(id, 'String');
      const named = params.bind(jsonWordPattern(person.identifiers), 'String');
      return `${EVENT_VALUES(mark, named)}\nWHERE ${eventsOf(person, params)}`;
    });
  }
  if (person.tenant === EVERY_TENANT) {
    await mutate(clickhouse, 'audit_quarantine', (params) => {
      const mark = params.bind(id, 'String');
      const named = params.bind(jsonWordPattern(person.identifiers), 'String');
      return `error = if(match(error, ${named}), '${ERASED.text}', error), message = '', message_key = '', headers = map('${ERASED_ATTRIBUTE}', ${mark})\nWHERE ${messagesOf(person, params)}`;
    });
  }
  const after = await findTraces(clickhouse, person);
  const remaining = after.asParty + after.namedOnly + after.heldCopies + after.quarantined;
  const erasure = { id, erased: found, remaining, replacedParts: await inactiveParts(clickhouse) };
  if (remaining > 0) throw new ErasureIncomplete(erasure);
  return erasure;
}

/** The event's values that can be a person's, replaced; what was empty stays empty. */
const EVENT_VALUES = (mark: string, named: string): string =>
  [
    ...PLAIN_TEXTS.map((text) => `${text} = if(${text} = '', '', '${ERASED.text}')`),
    `related = CAST(arrayMap(x -> (x.role, x.type, x.id, if(x.name = '', '', '${ERASED.text}')), related), 'Array(Tuple(role LowCardinality(String), type LowCardinality(String), id String, name String))')`,
    `changes = CAST(arrayMap(x -> (x.op, x.path, if(x.old = '', '', '${ERASED.json}'), if(x.new = '', '', '${ERASED.json}')), changes), 'Array(Tuple(op Enum8(\\'add\\' = 1, \\'remove\\' = 2, \\'replace\\' = 3, \\'move\\' = 4, \\'copy\\' = 5, \\'test\\' = 6), path LowCardinality(String), old String, new String))')`,
    ...JSON_TEXTS.map((json) => `${json} = if(${json} = '', '', '${ERASED.object}')`),
    `source_ip = toIPv6('::')`,
    `attributes = CAST(mapUpdate(mapFilter((key, value) -> key IN (${KEPT_ATTRIBUTES.map((key) => `'${key}'`).join(', ')}) AND NOT match(value, ${named}), attributes), map('${ERASED_ATTRIBUTE}', ${mark})), 'Map(LowCardinality(String), String)')`,
  ].join(',\n  ');

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
    call(params),
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
    call(params),
  );
  return Number(row?.rows ?? 0);
}

/** Holds that hold, with an event of the person under them. */
async function holdsOn(clickhouse: ClickHouse, person: Person): Promise<Hold[]> {
  const found = new Set<string>();
  for (const table of ['audit_events', 'audit_held']) {
    const params = new Parameters();
    const rows = await clickhouse.query<{ id: string }>(
      `SELECT DISTINCT toString(hold_id) AS id
FROM audit_hold_events
WHERE hold_id IN (${ACTIVE_HOLDS})
  AND ${EVENT_PLACE} IN (SELECT kafka_topic_id, kafka_partition, kafka_offset FROM ${table} WHERE ${eventsOf(person, params)})`,
      call(params),
    );
    for (const { id } of rows) found.add(id);
  }
  if (found.size === 0) return [];
  return (await listHolds(clickhouse)).filter(({ id }) => found.has(id));
}

async function mutate(
  clickhouse: ClickHouse,
  table: string,
  update: (params: Parameters) => string,
): Promise<void> {
  const params = new Parameters();
  const { cluster } = clickhouse;
  await clickhouse.command(
    `ALTER TABLE ${storedIn(table, cluster)}${onClusterClause(cluster)} UPDATE ${update(params)}`,
    { ...call(params), settings: { mutations_sync: 2 } },
  );
}

async function inactiveParts(clickhouse: ClickHouse): Promise<number> {
  const [row] = await clickhouse.query<{ parts: string }>(
    `SELECT count() AS parts FROM system.parts
     WHERE database = {database:String} AND NOT active AND startsWith(table, 'audit_')`,
    { params: { database: clickhouse.database } },
  );
  return Number(row?.parts ?? 0);
}

const call = (params: Parameters): CallOptions => ({
  params: params.values,
  timeoutMs: MUTATION_TIMEOUT_MS,
});

const heldError = (holds: readonly Hold[]): LedgerlineError =>
  new LedgerlineError(
    'ERASURE_HELD',
    `Events of this person are under ${holds.length === 1 ? 'a hold' : `${holds.length} holds`}: ${holds.map(({ id }) => id).join(', ')}.`,
    { hint: 'Nothing was erased. Have the holds released first (`ledgerline hold list`).' },
  );
