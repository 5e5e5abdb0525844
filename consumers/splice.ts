/**
 * From messages to the body of an insert: each line is the message as it came, with what only the worker
 * knows of this one message, its offset and timestamp, spliced over its closing brace. What is the same
 * for the whole batch stands in the statement (ledger-select.ts).
 */
import type { Row } from './backlog.ts';
import { storedTime } from './stored-time.ts';

/** Where a partition's rows come from: the same for all of them. */
export interface Origin {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

/** Written in pieces of this size, so that a body of any size needs this much memory. */
const PIECE_BYTES = 256 * 1024;

const NEWLINE = 0x0a;
const CLOSE_BRACE = 0x7d;
const MINUS = 0x2d;
const ZERO = 0x30;

const BEFORE_OFFSET = Buffer.from(',"kafka_offset":');
/** A JSON number is a DateTime64(3)'s count of milliseconds, whatever the engine's date settings. */
const BEFORE_TIMESTAMP = Buffer.from(',"kafka_timestamp":');
/** Bytes of a suffix at most: names, punctuation and two numbers. */
const SUFFIX_BYTES = 96;

/** The body of one insert, piece by piece. `mended` holds rows that the slow path has rewritten. */
export function* insertBody(
  rows: readonly Row[],
  mended: ReadonlyMap<number, Buffer>,
): Generator<Buffer> {
  let piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let at = 0;
  for (const row of rows) {
    const rewritten = mended.get(row.offset);
    const source = rewritten ?? row.chunk.bytes;
    const start = rewritten ? 0 : row.start;
    const brace = rewritten ? rewritten.length - 1 : row.brace;
    const need = brace - start + SUFFIX_BYTES;
    if (at + need > piece.length) {
      if (at > 0) yield piece.subarray(0, at);
      piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, need));
      at = 0;
    }
    at += source.copy(piece, at, start, brace);
    piece.set(BEFORE_OFFSET, at);
    at = writeInteger(piece, at + BEFORE_OFFSET.length, row.offset);
    piece.set(BEFORE_TIMESTAMP, at);
    at = writeInteger(piece, at + BEFORE_TIMESTAMP.length, storedTime(row.timestamp));
    piece[at++] = CLOSE_BRACE;
    piece[at++] = NEWLINE;
  }
  if (at > 0) yield piece.subarray(0, at);
}

/** Decimal digits without the text that `String` would make: half the cost of a body. */
function writeInteger(to: Buffer, at: number, value: number): number {
  let start = at;
  let rest = value;
  if (rest < 0) {
    to[start++] = MINUS;
    rest = -rest;
  }
  let end = start + 1;
  for (let power = 10; rest >= power; power *= 10) end++;
  for (let i = end - 1; i >= start; i--) {
    const tenth = Math.floor(rest / 10);
    to[i] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  return end;
}
