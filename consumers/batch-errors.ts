/** Record batches at which a worker stops: going on would be to guess. Names offsets, never what is in them. */
import { causesOf } from '../schemas/kafka-contact.ts';
import type { RecordBatch } from './record-batch.ts';
import { WorkerError } from './worker-error.ts';

class BatchError extends WorkerError {
  /** kafkajs's word: it would ask again for the length of a session, without a heartbeat. */
  readonly retriable = false;
}

const offsetsOf = ({ first, last }: RecordBatch): string => `offsets ${first}–${last}`;

/**
 * @param which the batch, among those of the partition
 * @param what it has and must not have
 */
export const corrupt = (which: RecordBatch | string, where: string, what: string): WorkerError =>
  new BatchError(
    'KAFKA_BATCH_CORRUPT',
    `Kafka gives out the record batch of ${typeof which === 'string' ? which : offsetsOf(which)} of ${where} damaged: it has ${what}.`,
    {
      hint: "See the broker's disks and log, and start again where another replica has it whole. If it is lost, delete up to the offset behind it with kafka-delete-records.sh, and start once with LEDGERLINE_ACCEPT_LOSS=retention.",
    },
  );

export const unknownCompression = (batch: RecordBatch, where: string): WorkerError =>
  new BatchError(
    'KAFKA_BATCH_UNKNOWN',
    `Kafka gives out the record batch of ${offsetsOf(batch)} of ${where} with a compression of number ${batch.codec}, which this version does not know.`,
    { hint: 'Upgrade the workers and start them again: nothing behind it has been committed.' },
  );

/** Why a fetch failed, where it was one of these. */
export const batchErrorOf = (error: unknown): WorkerError | undefined =>
  causesOf(error).find((cause) => cause instanceof BatchError);
