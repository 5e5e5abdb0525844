/**
 * From where a partition that was just assigned is to be read, and which batch its last owner had under
 * way. Pure. What would lose events in silence is refused here: an operator decides.
 */
import { decodeMetadata, type Intent } from './intent.ts';
import type { AssignedPartition } from './group-member.ts';
import { WorkerError } from './worker-error.ts';

export type AcceptedLoss = 'none' | 'retention' | 'recreated';

/** No fault: the worker joins again, and goes on once the table has been swapped. */
export class FencedByRebuild extends Error {
  constructor(where: string, table: string) {
    super(`${where} is fenced while the ledger is swapped for ${table}; waiting for the rebuild`);
  }
}

export interface StartPosition {
  readonly from: number;
  readonly intent: Intent | null;
  /** How many rows only the engine has blamed since it last took some. */
  readonly accusations: number;
  /** What is gone from Kafka, and the operator has accepted to lose. */
  readonly lost?: AcceptedLossRecord;
}

export interface AcceptedLossRecord {
  /** Of the log that has lost it: the old one's, when the topic was made again. */
  readonly topicId: string;
  readonly first: number;
  readonly last: number;
  readonly error: string;
}

/** What the ledger knows of a partition. */
export interface Holdings {
  /** The highest offset that it holds of this log; -1 when none. */
  readonly highWater: number;
  /** The last log of the same topic name under another id, unless its loss has been accepted already. */
  readonly former: { readonly topicId: string; readonly last: number } | undefined;
}

/**
 * Whether the committed offset has no note of ours beside it: it was never committed, has expired, went
 * with its topic, or was set by hand. Then the ledger itself has to say how far it is.
 */
export const isUnvouched = ({ committed, metadata }: AssignedPartition): boolean =>
  committed === undefined || metadata === null || metadata === '';

/**
 * @param holdings what the ledger knows; needed where `isUnvouched`
 * @throws WorkerError KAFKA_TOPIC_RECREATED, KAFKA_OFFSETS_LOST, DELIVERY_HALTED
 */
export function startPosition(
  assigned: AssignedPartition,
  topic: string,
  topicId: string,
  accept: AcceptedLoss,
  holdings: Holdings = { highWater: -1, former: undefined },
): StartPosition {
  const { partition, committed, low, high } = assigned;
  const where = `partition ${partition} of ${topic}`;
  if (committed !== undefined && committed > high)
    throw shorter(`The committed offset ${committed} of ${where}`, high);
  if (committed === undefined || isUnvouched(assigned))
    return unvouched(assigned, where, topicId, accept, holdings);
  const found = decodeMetadata(assigned.metadata, committed);
  if (found.kind === 'fenced') throw new FencedByRebuild(where, found.table);
  if (found.kind === 'unreadable') {
    throw new WorkerError(
      'DELIVERY_HALTED',
      `What stands beside the committed offset of ${where} was not written by this version of Ledgerline.`,
      {
        hint: 'Upgrade this worker, or see whether another program commits in LEDGERLINE_KAFKA_GROUP.',
      },
    );
  }
  if (found.kind !== 'none' && found.topicId !== topicId) {
    return recreated(where, { topicId: found.topicId, first: committed }, low, accept);
  }
  if (low > committed) return overtaken(where, { topicId, first: committed }, low, accept);
  if (found.kind === 'none') return { from: committed, intent: null, accusations: 0 };
  const { accusations } = found;
  return { from: committed, intent: found.kind === 'intent' ? found.intent : null, accusations };
}

/** From the first offset that the ledger does not hold: an offset set further on by hand skips nothing. */
function unvouched(
  { committed, low, high }: AssignedPartition,
  where: string,
  topicId: string,
  accept: AcceptedLoss,
  { highWater, former }: Holdings,
): StartPosition {
  if (highWater >= high) throw shorter(`Offset ${highWater} of ${where}, which is stored,`, high);
  if (highWater < 0 && former) {
    const { topicId: formerId, last } = former;
    return recreated(where, { topicId: formerId, first: last + 1 }, low, accept);
  }
  const next = highWater + 1;
  // Nothing of this log was ever stored, nor asked for: it begins where Kafka has it begin.
  const begun = highWater >= 0 || committed !== undefined;
  const first = highWater >= 0 ? next : (committed ?? low);
  if (begun && low > first) return overtaken(where, { topicId, first }, low, accept);
  return { from: Math.max(low, Math.min(committed ?? low, next)), intent: null, accusations: 0 };
}

/** The log behind the offset is another one. */
function recreated(
  where: string,
  old: { topicId: string; first: number },
  low: number,
  accept: AcceptedLoss,
): StartPosition {
  const { topicId, first } = old;
  if (accept === 'recreated') {
    const error = `the topic was deleted and made again; what its old log held from offset ${first} on was not stored`;
    return {
      from: low,
      intent: null,
      accusations: 0,
      lost: { topicId, first, last: first, error },
    };
  }
  throw new WorkerError(
    'KAFKA_TOPIC_RECREATED',
    `The topic was deleted and made again: what the old one held from offset ${first} on, of ${where}, is not in the ledger.`,
    {
      hint: 'If that loss is known and accepted, start with LEDGERLINE_ACCEPT_LOSS=recreated: it is recorded in audit_quarantine, and the worker goes on from the first offset there is.',
    },
  );
}

/** Kafka has deleted what was not stored yet. */
function overtaken(
  where: string,
  gone: { topicId: string; first: number },
  low: number,
  accept: AcceptedLoss,
): StartPosition {
  const { topicId, first } = gone;
  const last = low - 1;
  if (accept === 'retention') {
    const error = `offsets ${first}-${last} were deleted by Kafka before they were stored`;
    return { from: low, intent: null, accusations: 0, lost: { topicId, first, last, error } };
  }
  throw new WorkerError(
    'KAFKA_OFFSETS_LOST',
    `Kafka has deleted offsets ${first}–${last} of ${where} before they were stored.`,
    {
      hint: 'If that loss is accepted, start with LEDGERLINE_ACCEPT_LOSS=retention: it is recorded in audit_quarantine. Then raise retention.ms or add workers.',
    },
  );
}

/** Its next messages get offsets that the ledger has rows for: going on would skip them in silence. */
function shorter(what: string, high: number): WorkerError {
  return new WorkerError(
    'KAFKA_OFFSETS_LOST',
    `${what} lies behind its end ${high}: Kafka has lost messages that were stored.`,
    {
      hint: 'Its offsets would be given out twice. Send events to a new topic, and point LEDGERLINE_KAFKA_TOPIC there.',
    },
  );
}
