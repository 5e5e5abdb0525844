/**
 * From where a partition that was just assigned is to be read, and which batch its last owner had under
 * way. Pure. What would lose events in silence is refused here: an operator decides.
 */
import { decodeMetadata, type Intent } from './intent.ts';
import type { AssignedPartition } from './group-member.ts';
import { WorkerError } from './worker-error.ts';

export type AcceptedLoss = 'none' | 'retention' | 'recreated';

export interface StartPosition {
  readonly from: number;
  readonly intent: Intent | null;
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

/** @throws WorkerError KAFKA_TOPIC_RECREATED, KAFKA_OFFSETS_LOST, DELIVERY_HALTED */
export function startPosition(
  assigned: AssignedPartition,
  topic: string,
  topicId: string,
  accept: AcceptedLoss,
): StartPosition {
  const { partition, committed, low, high } = assigned;
  if (committed === undefined) return { from: low, intent: null };
  const where = `partition ${partition} of ${topic}`;
  const found = decodeMetadata(assigned.metadata, committed);
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
    const error = `the topic was deleted and made again; what its old log held from offset ${committed} on was not stored`;
    if (accept === 'recreated') {
      const lost = { topicId: found.topicId, first: committed, last: committed, error };
      return { from: low, intent: null, lost };
    }
    throw new WorkerError(
      'KAFKA_TOPIC_RECREATED',
      `The topic ${topic} was deleted and made again: what the old one held behind offset ${committed} of partition ${partition} is not in the ledger.`,
      {
        hint: 'If that loss is known and accepted, start with LEDGERLINE_ACCEPT_LOSS=recreated: it is recorded in audit_quarantine, and the worker goes on from the first offset there is.',
      },
    );
  }
  if (committed > high) {
    // Its next messages get offsets that the ledger has rows for: going on would skip them in silence.
    throw new WorkerError(
      'KAFKA_OFFSETS_LOST',
      `The committed offset ${committed} of ${where} lies behind its end ${high}: Kafka has lost messages that were stored.`,
      {
        hint: 'Its offsets would be given out twice. Send events to a new topic, and point LEDGERLINE_KAFKA_TOPIC there.',
      },
    );
  }
  if (low > committed) {
    if (accept === 'retention') {
      const last = low - 1;
      const error = `offsets ${committed}-${last} were deleted by Kafka before they were stored`;
      return { from: low, intent: null, lost: { topicId, first: committed, last, error } };
    }
    throw new WorkerError(
      'KAFKA_OFFSETS_LOST',
      `Kafka has deleted offsets ${committed}–${low - 1} of ${where} before they were stored.`,
      {
        hint: 'If that loss is accepted, start with LEDGERLINE_ACCEPT_LOSS=retention: it is recorded in audit_quarantine. Then raise retention.ms or add workers.',
      },
    );
  }
  return { from: committed, intent: found.kind === 'intent' ? found.intent : null };
}
