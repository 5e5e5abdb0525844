/** Messages that the ledger does not take, kept as they came, with the reason. */
import { envelopeOf, type FramingFault, type Row, type UnreadFault, valueOf } from './backlog.ts';
import { firstObjectEnd } from './framing.ts';
import type { Origin } from './splice.ts';
import { storedTime } from './stored-time.ts';

export type QuarantineReason =
  | Exclude<FramingFault, UnreadFault>
  | 'unreadable'
  | 'not_json'
  | 'duplicate_keys'
  | 'forged'
  | 'future_version'
  | 'invalid'
  | 'expired'
  | 'duplicate'
  | 'refused'
  | 'accepted_loss';

/** Why one message was not taken. The text names fields and rules, never values. */
export interface Rejection {
  readonly reason: QuarantineReason;
  readonly error: string;
}

export interface QuarantinedMessage extends Rejection {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly message: Buffer;
}

export const QUARANTINE_COLUMNS = [
  'kafka_topic',
  'kafka_topic_id',
  'kafka_partition',
  'kafka_offset',
  'kafka_timestamp',
  'reason',
  'error',
  'message',
  'message_key',
  'headers',
  'lease',
] as const;

/** What is wrong with a message that could be seen to be unfit at once. */
export function framingRejection(row: Row, fault: FramingFault): Rejection {
  switch (fault) {
    case 'tombstone':
      return { reason: fault, error: 'the message has no value' };
    case 'too_large':
      return {
        reason: fault,
        error: `the message has ${row.valueEnd - row.start} bytes, more than LEDGERLINE_MAX_MESSAGE_BYTES`,
      };
    case 'message_too_large':
      return {
        reason: 'too_large',
        error:
          'the message has more than 8 MiB in a compressed record batch, or more than 10,000 headers: it was passed over, and no body is kept',
      };
    case 'batch_too_large':
      return {
        reason: 'too_large',
        error:
          'the compressed record batch of this message grows beyond measure: it was not unpacked, and no body is kept',
      };
    case 'batch_unreadable':
      return {
        reason: 'unreadable',
        error:
          "the record batch of this message is not what Kafka's format or its compression says: it was not read, and no body is kept",
      };
    case 'not_one_object':
      // Another object, or rubbish, behind a whole one; or JSON that is no object.
      return firstObjectEnd(valueOf(row)) >= 0 || isJson(valueOf(row))
        ? { reason: fault, error: 'the message is not exactly one JSON object' }
        : { reason: 'not_json', error: 'the message is not valid JSON' };
  }
}

function isJson(value: Buffer): boolean {
  try {
    JSON.parse(value.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

export function quarantinedMessage(row: Row, rejection: Rejection): QuarantinedMessage {
  const { key, headers } = envelopeOf(row);
  return {
    ...rejection,
    offset: row.offset,
    timestamp: storedTime(row.timestamp),
    key,
    headers,
    // A repeat is in the ledger already: only that it came is new.
    message: rejection.reason === 'duplicate' ? Buffer.alloc(0) : valueOf(row),
  };
}

/**
 * In ClickHouse's RowBinary, because a message may be any bytes at all
 * (https://clickhouse.com/docs/interfaces/formats/RowBinary).
 */
export function* encodeQuarantine(
  messages: readonly QuarantinedMessage[],
  origin: Origin,
  leaseSeconds: number,
): Generator<Buffer> {
  for (const message of messages) {
    yield Buffer.concat([
      text(origin.topic),
      uuid(origin.topicId),
      int32(origin.partition),
      int64(message.offset),
      int64(message.timestamp),
      text(message.reason),
      text(message.error),
      bytes(message.message),
      text(message.key),
      map(message.headers),
      uint32(leaseSeconds),
    ]);
  }
}

function length(value: number): Buffer {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) digits.push((rest & 0x7f) | 0x80);
  digits.push(rest);
  return Buffer.from(digits);
}

const bytes = (value: Buffer): Buffer => Buffer.concat([length(value.length), value]);
const text = (value: string): Buffer => bytes(Buffer.from(value));

function map(entries: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(entries);
  return Buffer.concat([
    length(pairs.length),
    ...pairs.flatMap(([name, value]) => [text(name), text(value)]),
  ]);
}

/** Two little-endian 64-bit halves. */
function uuid(value: string): Buffer {
  const big = Buffer.from(value.replaceAll('-', ''), 'hex');
  return Buffer.concat([big.subarray(0, 8).reverse(), big.subarray(8, 16).reverse()]);
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function int64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE(BigInt(value));
  return buffer;
}
