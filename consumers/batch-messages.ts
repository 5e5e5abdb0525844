/**
 * The messages of one record batch, from the first that was asked for. What cannot be read, or would grow beyond
 * measure, still takes up its offsets: a message without a body stands for each, so that each is accounted for.
 */
import { type Allowance, RESPONSE_BYTES } from './allowance.ts';
import type { UnreadFault } from './backlog.ts';
import { corrupt, unknownCompression } from './batch-errors.ts';
import { codecName, unpack } from './decompress.ts';
import { isIntact, type RecordBatch, recordsOf } from './record-batch.ts';
import { bodiless, type FetchedMessage } from './fetched-message.ts';
import { Unread } from './record-cursor.ts';
import { RECORD_OVERHEAD_BYTES, type RecordLimits, RecordReader } from './record-reader.ts';

/**
 * What a batch may unpack to: 32 times what Kafka keeps of it, which no events do that differ in id and time, or
 * this where it is small.
 */
const MAX_GROWTH = 32;
const LEAST_LIMIT_BYTES = 32 * 1024 * 1024;

const CHECKSUM = 'another checksum than it was taken with';

/** Of the partition it was fetched from. */
export interface Fetched {
  /** Topic and partition, for errors. */
  readonly where: string;
  /** The offset that the next message will get. */
  readonly end: number;
}

export interface BatchMessages {
  readonly messages: readonly FetchedMessage[];
  /** Whether the batch's last message is among them. */
  readonly whole: boolean;
}

/**
 * @param first messages before this offset are left out
 * @throws WorkerError KAFKA_BATCH_CORRUPT where the bytes are not those that the broker took, KAFKA_BATCH_UNKNOWN for a
 *   compression of a later Kafka
 */
export async function readBatch(
  batch: RecordBatch,
  first: number,
  allowance: Allowance,
  { where, end }: Fetched,
): Promise<BatchMessages> {
  const { room } = allowance;
  // Plain ones are checked when they prove unreadable: the checksum would cost a tenth of a worker's time.
  if (batch.codec !== 0 && !isIntact(batch)) throw corrupt(batch, where, CHECKSUM);
  if (codecName(batch.codec) === undefined && batch.codec !== 0)
    throw unknownCompression(batch, where);
  try {
    return await unpacked(batch, first, allowance);
  } catch (error) {
    if (!(error instanceof Unread)) throw error;
    if (batch.codec === 0 && !isIntact(batch)) throw corrupt(batch, where, CHECKSUM);
    if (batch.last >= end) throw corrupt(batch, where, 'offsets that nothing has yet');
    allowance.giveBack(room);
    return inItsPlace(batch, first, allowance, error.fault);
  }
}

/** The batch is read to its end each time, wanted or not, so that it is judged alike whichever part is asked for. */
async function unpacked(
  batch: RecordBatch,
  first: number,
  allowance: Allowance,
): Promise<BatchMessages> {
  const messages: FetchedMessage[] = [];
  let whole = true;
  const limits = limitsOf(batch);
  const reader = new RecordReader(batch, limits, (record, bytes) => {
    if (!whole || Number(record.offset) < first) return;
    if (allowance.takes(bytes)) messages.push(record);
    else whole = false;
  });
  if (batch.count * RECORD_OVERHEAD_BYTES > limits.maxBatchBytes) {
    throw new Unread('batch_too_large', `${batch.count} records`);
  }
  try {
    if (batch.codec === 0) reader.push(recordsOf(batch));
    else {
      await unpack(batch.codec, recordsOf(batch), limits.maxBatchBytes, (piece) => {
        reader.push(piece);
      });
    }
    reader.finish();
  } finally {
    allowance.worked(reader.bytes);
  }
  const last = messages.at(-1);
  // A topic that was compacted once may lack the batch's last records: something must say that they are passed.
  if (whole && Number(last?.offset ?? -1) < batch.last) messages.push(passed(batch));
  return { messages, whole };
}

/** What is not compressed is in memory already. */
const limitsOf = ({ codec, bytes }: RecordBatch): RecordLimits =>
  codec === 0
    ? { maxRecordBytes: Infinity, maxBatchBytes: Infinity }
    : {
        maxRecordBytes: RESPONSE_BYTES,
        maxBatchBytes: Math.max(LEAST_LIMIT_BYTES, MAX_GROWTH * bytes.length),
      };

function inItsPlace(
  batch: RecordBatch,
  first: number,
  allowance: Allowance,
  unread: UnreadFault,
): BatchMessages {
  const messages: FetchedMessage[] = [];
  for (let offset = Math.max(first, batch.first); offset <= batch.last; offset++) {
    if (!allowance.takes(RECORD_OVERHEAD_BYTES)) return { messages, whole: false };
    const place = bodiless(batch, offset, batch.maxTimestamp);
    messages.push({ ...place, isControlRecord: batch.isControl, unread });
  }
  return { messages, whole: true };
}

const passed = (batch: RecordBatch): FetchedMessage => ({
  ...bodiless(batch, batch.last, batch.maxTimestamp),
  isControlRecord: true,
});
