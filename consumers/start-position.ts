/**
 * From where a partition that was just assigned is to be read, and which batch its last owner had under
 * way. Pure. What would lose events in silence is refused here: an operator decides.
 */
import { decodeMetadata, type Intent } from './intent.ts';
import type { AssignedPartition } from './kafka.ts';
import { WorkerError } from './worker-error.ts';

export type AcceptedLoss = 'none' | 'retention' | 'recreated';

export interface StartPosition {
  readonly from: number;
  readonly intent: Intent | null;
  /** Offsets that are gone from Kafka and that the operator has accepted to lose. */
  readonly lost?: { readonly first: number; readonly last: number };
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
  const foreign = found.kind !== 'none' && found.topicId !== topicId;
  if (foreign || committed > high) {
    if (accept === 'recreated') return { from: low, intent: null };
    throw new WorkerError(
      'KAFKA_TOPIC_RECREATED',
      foreign
        ? `The topic ${topic} was deleted and made again: what the old one held behind offset ${committed} of partition ${partition} is not in the ledger.`
        : `The committed offset ${committed} of ${where} lies behind its end ${high}: the topic was made again, or lost its tail.`,
      {
        hint: 'If that loss is known and accepted, start with LEDGERLINE_ACCEPT_LOSS=recreated: the worker goes on from the first offset there is.',
      },
    );
  }
  if (low > committed) {
    if (accept === 'retention') {
      return { from: low, intent: null, lost: { first: committed, last: low - 1 } };
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
