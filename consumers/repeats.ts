/**
 * Messages that their producer may have sent before: which of them are in the ledger already, or stand
 * earlier in the same batch. All messages of one target share a partition, so asking here is enough.
 */
import { envelopeOf, type Row, valueOf } from './backlog.ts';
import type { LedgerSink, TimeSpan } from './ledger-sink.ts';
import type { Rejection } from './quarantine.ts';
import type { Origin } from './splice.ts';

/**
 * Header of a message that was in quarantine: names where. A transform may have given it another time
 * than its first copy had, so it is looked up by its id alone.
 */
export const REPLAY_HEADER = 'll-replay-of';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const REPEAT: Rejection = {
  reason: 'duplicate',
  error: 'an event with this id was stored before',
};

interface Identity {
  readonly id: string;
  readonly occurredAtMs: number;
}

type Finder = Pick<LedgerSink, 'find'>;

/** Which rows of a batch, yet to be stored, repeat what is stored or stands earlier in the batch itself. */
export async function findRepeats(
  rows: readonly Row[],
  origin: Origin,
  sink: Finder,
): Promise<Map<number, Rejection>> {
  const identities = identitiesOf(rows);
  const stored = await storedElsewhere(identities, origin, sink);
  const repeats = new Map<number, Rejection>();
  const seen = new Set<string>();
  for (const [row, { id }] of identities) {
    if (row.mayRepeat && (seen.has(id) || stored.has(row.offset))) repeats.set(row.offset, REPEAT);
    else seen.add(id);
  }
  return repeats;
}

/** Offsets of those rows that may be repeats and whose event the ledger holds at another place. */
export const findStored = (
  rows: readonly Row[],
  origin: Origin,
  sink: Finder,
): Promise<Set<number>> => storedElsewhere(identitiesOf(rows), origin, sink);

async function storedElsewhere(
  identities: ReadonlyMap<Row, Identity>,
  origin: Origin,
  sink: Finder,
): Promise<Set<number>> {
  const suspects: Identity[] = [];
  const replays: Identity[] = [];
  for (const [row, identity] of identities) {
    if (row.mayRepeat) (isReplay(row) ? replays : suspects).push(identity);
  }
  const known = await sink.find(idsOf(suspects), spanOf(suspects));
  for (const [id, places] of await sink.find(idsOf(replays))) known.set(id, places);
  const stored = new Set<number>();
  for (const [row, { id }] of identities) {
    const elsewhere = known
      .get(id)
      ?.some(
        (at) =>
          at.offset !== row.offset ||
          at.partition !== origin.partition ||
          at.topicId !== origin.topicId,
      );
    if (row.mayRepeat && elsewhere) stored.add(row.offset);
  }
  return stored;
}

function identitiesOf(rows: readonly Row[]): Map<Row, Identity> {
  const identities = new Map<Row, Identity>();
  for (const row of rows) {
    const identity = row.fault ? undefined : identityOf(row);
    if (identity) identities.set(row, identity);
  }
  return identities;
}

const isReplay = (row: Row): boolean => envelopeOf(row).headers[REPLAY_HEADER] !== undefined;

const idsOf = (identities: readonly Identity[]): string[] => [
  ...new Set(identities.map(({ id }) => id)),
];

/** A message that was sent before says the same as then, its time included: that is where to look. */
function spanOf(suspects: readonly Identity[]): TimeSpan {
  const times = suspects.map(({ occurredAtMs }) => occurredAtMs);
  return {
    fromMs: times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY),
    toMs: times.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY),
  };
}

/** What a repeat is known by; `undefined` for a row that the engine will refuse anyway. */
function identityOf(row: Row): Identity | undefined {
  try {
    const { event_id: id, occurred_at: time } = JSON.parse(valueOf(row).toString('utf8')) as Record<
      string,
      unknown
    >;
    if (typeof id !== 'string' || !UUID.test(id) || typeof time !== 'string') return undefined;
    const occurredAtMs = Date.parse(time);
    return Number.isNaN(occurredAtMs) ? undefined : { id: id.toLowerCase(), occurredAtMs };
  } catch {
    return undefined;
  }
}
