/**
 * Kafka's Fetch response, version 11, read into kafkajs's shape. kafkajs itself reads it with 64-bit arithmetic and
 * several objects for each record, which is a third of a worker's time, and unpacks a compressed batch whole,
 * whatever it grows to. Here a response gives out only so much, in memory and in work: what is left is fetched
 * again, from where it ended, as with a response that Kafka cut. Formats before 2 are left to kafkajs.
 * Layout: https://kafka.apache.org/protocol#The_Messages_Fetch and
 * https://kafka.apache.org/documentation/#recordbatch.
 */
import { Allowance } from './allowance.ts';
import { corrupt } from './batch-errors.ts';
import { readBatch } from './batch-messages.ts';
import type { FetchedMessage } from './fetched-message.ts';
import { WireReader } from './kafka-wire.ts';
import { batchAt } from './record-batch.ts';

export const FETCH_API_KEY = 1;
export const FETCH_VERSION = 11;

interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  readonly abortedTransactions: readonly AbortedTransaction[];
  readonly preferredReadReplica: number;
  messages: FetchedMessage[];
}

export interface FetchResponse {
  readonly throttleTime: 0;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: { readonly topicName: string; readonly partitions: FetchedPartition[] }[];
}

/** From which offset a partition was asked for. */
export type AskedOffset = (topic: string, partition: number) => number;

interface Part {
  readonly topicName: string;
  readonly partition: FetchedPartition;
  readonly records: Buffer;
}

/**
 * @param turn of which partition messages are read first: another one each time, because what a response gives out
 *   may be used up before the last
 * @returns `undefined` where a batch is of an older format
 * @throws WorkerError KAFKA_BATCH_CORRUPT, KAFKA_BATCH_UNKNOWN
 */
export async function decodeFetch(
  bytes: Buffer,
  asked: AskedOffset,
  turn: number,
): Promise<FetchResponse | undefined> {
  const from = new WireReader(bytes);
  const parts: Part[] = [];
  const response: FetchResponse = {
    throttleTime: 0,
    clientSideThrottleTime: from.int32(),
    errorCode: from.int16(),
    sessionId: from.int32(),
    responses: arrayFrom(from, () => {
      const topicName = from.take(from.int16()).toString();
      const partitions = arrayFrom(from, () => {
        const partition = partitionFrom(from);
        parts.push({ topicName, partition, records: from.take(Math.max(0, from.int32())) });
        return partition;
      });
      return { topicName, partitions };
    }),
  };
  const allowance = new Allowance();
  for (let nth = 0; nth < parts.length; nth++) {
    const part = parts[(turn + nth) % parts.length] as Part;
    const first = asked(part.topicName, part.partition.partition);
    const messages = await messagesOf(part, first, allowance);
    if (!messages) return undefined;
    part.partition.messages = messages;
  }
  return response;
}

const arrayFrom = <T>(from: WireReader, read: () => T): T[] =>
  Array.from({ length: Math.max(0, from.int32()) }, read);

const partitionFrom = (from: WireReader): FetchedPartition => ({
  partition: from.int32(),
  errorCode: from.int16(),
  highWatermark: String(from.int64()),
  lastStableOffset: String(from.int64()),
  lastStartOffset: String(from.int64()),
  abortedTransactions: arrayFrom(from, () => ({
    producerId: String(from.int64()),
    firstOffset: String(from.int64()),
  })),
  preferredReadReplica: from.int32(),
  messages: [],
});

async function messagesOf(
  { topicName, partition, records }: Part,
  first: number,
  allowance: Allowance,
): Promise<FetchedMessage[] | undefined> {
  const where = `${topicName}, partition ${partition.partition}`;
  const end = Number(partition.highWatermark);
  const messages: FetchedMessage[] = [];
  for (let at = 0, next = first; !allowance.isSpent;) {
    const found = batchAt(records, at);
    // Kafka cuts a response at its size: the last batch may be there in part.
    if (found === 'cut') break;
    if (found === 'older') return undefined;
    if (found === 'damaged') throw corrupt(`offset ${next}`, where, 'no length or no offsets');
    const { batch } = found;
    // The first batch may begin before the offset that was asked for.
    if (batch.first < next && at > 0) throw corrupt(batch, where, 'offsets of the batch before it');
    next = batch.last + 1;
    at = found.end;
    if (batch.last < first) continue;
    const read = await readBatch(batch, first, allowance, { where, end });
    for (const message of read.messages) messages.push(message);
    if (!read.whole) break;
  }
  return messages;
}
