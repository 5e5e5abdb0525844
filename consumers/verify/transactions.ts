/**
 * Which records of a fetch are messages. Transactions leave control records in the log, and aborted ones
 * their messages too; a consumer that reads committed messages sees neither. Pure.
 * https://kafka.apache.org/documentation/#controlbatch
 */
import type { ConsumedMessage } from '../backlog.ts';

/** A record as kafkajs reads it; those of plain batches have no context. */
export interface FetchedRecord extends ConsumedMessage {
  readonly isControlRecord?: boolean;
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

/** A control record's key is its version and its kind, two bytes each; 0 is an abort. */
const isAbort = ({ key }: FetchedRecord): boolean =>
  key !== null && key.length >= 4 && key.readInt16BE(2) === 0;

/** The records that are messages, in order. `aborted` is what the broker says of the same fetch. */
export function delivered(
  records: readonly FetchedRecord[],
  aborted: readonly AbortedTransaction[],
): readonly ConsumedMessage[] {
  const ahead = aborted.toSorted((a, b) => Number(a.firstOffset) - Number(b.firstOffset));
  const open = new Set<string>();
  let at = 0;
  return records.filter((record) => {
    for (; at < ahead.length; at++) {
      const next = ahead[at] as AbortedTransaction;
      if (Number(next.firstOffset) > Number(record.offset)) break;
      open.add(next.producerId);
    }
    const producer = record.batchContext?.producerId;
    if (record.isControlRecord === true) {
      if (producer !== undefined && isAbort(record)) open.delete(producer);
      return false;
    }
    const inAborted = record.batchContext?.inTransaction === true && open.has(producer ?? '');
    return !inAborted;
  });
}
