/**
 * The header of a record batch of format 2, which is never compressed: which offsets it holds, how it is
 * packed, whether it is as the broker took it. Pure. https://kafka.apache.org/documentation/#recordbatch
 */
import { crc32c } from './crc32c.ts';

const HEADER_BYTES = 61;
/** Of a batch, what its own length does not count: base offset and length. */
const PREFIX_BYTES = 12;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const CODEC = 0x7;
const LOG_APPEND_TIME = 0x8;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

export interface RecordBatch {
  readonly first: number;
  /** The batch takes up these offsets, whether or not its records can be read. */
  readonly last: number;
  /** How many records it says it holds. */
  readonly count: number;
  /** 0 for none; https://kafka.apache.org/documentation/#recordbatch, attributes. */
  readonly codec: number;
  readonly isControl: boolean;
  readonly firstTimestamp: number;
  readonly maxTimestamp: number;
  /** Where the broker gives messages its own time: the same for all of the batch. */
  readonly appendTime: number | undefined;
  /** As kafkajs asks each message for it, to leave out what was aborted. */
  readonly context: { readonly producerId: string; readonly inTransaction: boolean };
  readonly bytes: Buffer;
}

export type BatchAt =
  { readonly batch: RecordBatch; readonly end: number } | 'cut' | 'older' | 'damaged';

/**
 * The batch that begins at `at`: `cut` where Kafka has ended the response in the middle of it, `older` when it
 * is of a format before 2, `damaged` when it has a length or offsets that no batch has.
 */
export function batchAt(bytes: Buffer, at: number): BatchAt {
  if (at + HEADER_BYTES > bytes.length) return 'cut';
  if (bytes[at + 16] !== 2) return 'older';
  const end = at + PREFIX_BYTES + bytes.readInt32BE(at + 8);
  if (end < at + HEADER_BYTES) return 'damaged';
  if (end > bytes.length) return 'cut';
  const attributes = bytes.readInt16BE(at + ATTRIBUTES_AT);
  const first = Number(bytes.readBigInt64BE(at));
  const lastDelta = bytes.readInt32BE(at + 23);
  if (first < 0 || lastDelta < 0) return 'damaged';
  const maxTimestamp = Number(bytes.readBigInt64BE(at + 35));
  return {
    end,
    batch: {
      first,
      last: first + lastDelta,
      count: bytes.readInt32BE(at + 57),
      codec: attributes & CODEC,
      isControl: (attributes & CONTROL) !== 0,
      firstTimestamp: Number(bytes.readBigInt64BE(at + 27)),
      maxTimestamp,
      appendTime: attributes & LOG_APPEND_TIME ? maxTimestamp : undefined,
      context: {
        producerId: String(bytes.readBigInt64BE(at + 43)),
        inTransaction: (attributes & TRANSACTIONAL) !== 0,
      },
      bytes: bytes.subarray(at, end),
    },
  };
}

/** Its records, packed as the codec says. */
export const recordsOf = ({ bytes }: RecordBatch): Buffer => bytes.subarray(HEADER_BYTES);

/** Whether its bytes are those that the broker took: its checksum covers all but base offset and epoch. */
export const isIntact = ({ bytes }: RecordBatch): boolean =>
  crc32c(bytes.subarray(ATTRIBUTES_AT)) === bytes.readUInt32BE(CRC_AT);
