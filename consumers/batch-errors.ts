/** Record batches at which a worker stops: going on would be to guess. Names offsets, never what is in them. */
import type { RecordBatch } from './record-batch.ts';
import { WorkerError } from './worker-error.ts';

const named = ({ first, last }: RecordBatch, where: string): string =>
  `Kafka gives out the record batch of offsets ${first}–${last} of ${where}`;

/** @param what it has and must not have */
export const corrupt = (batch: RecordBatch, where: string, what: string): WorkerError =>
  new WorkerError('KAFKA_BATCH_CORRUPT', `${named(batch, where)} damaged: it has ${what}.`, {
    hint: "See the broker's disks and log, and start again where another replica has it whole. If it is lost, delete up to the offset behind it with kafka-delete-records.sh, and start once with LEDGERLINE_ACCEPT_LOSS=retention.",
  });

export const unknownCompression = (batch: RecordBatch, where: string): WorkerError =>
  new WorkerError(
    'KAFKA_BATCH_UNKNOWN',
    `${named(batch, where)} with a compression of number ${batch.codec}, which this version does not know.`,
    { hint: 'Upgrade the workers and start them again: nothing behind it has been committed.' },
  );
