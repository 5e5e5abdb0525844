/**
 * From messages to the body of an insert: each line is the message as it came, with the columns that
 * only the worker knows spliced over its closing brace.
 */
import type { Row } from './backlog.ts';

/** Where a partition's rows come from: the same for all of them. */
export interface Origin {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

/** Written in pieces of this size, so that a body of any size needs this much memory. */
const PIECE_BYTES = 256 * 1024;

const NEWLINE = 0x0a;

/**
 * The body of one insert, piece by piece.
 *
 * The lease stands in every row, though one would refuse the block: a row without it could bring a
 * lease of its own, and an old one would refuse its neighbours for ever. With ours beside it the engine
 * finds the key twice and names the row. `mended` holds rows that the slow path has rewritten.
 */
export function* insertBody(
  rows: readonly Row[],
  origin: Origin,
  leaseSeconds: number,
  mended: ReadonlyMap<number, Buffer>,
): Generator<Buffer> {
  const constant =
    `,"kafka_topic":${JSON.stringify(origin.topic)},"kafka_topic_id":"${origin.topicId}"` +
    `,"kafka_partition":${origin.partition},"lease":${leaseSeconds},"kafka_offset":`;
  // A JSON number is a DateTime64(3)'s count of milliseconds, whatever the engine's date settings.
  // Bytes of a suffix at most: the constant part, two numbers, punctuation.
  const room = Buffer.byteLength(constant) + 128;
  let piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let at = 0;
  for (const row of rows) {
    const rewritten = mended.get(row.offset);
    const source = rewritten ?? row.chunk.bytes;
    const start = rewritten ? 0 : row.start;
    const brace = rewritten ? rewritten.length - 1 : row.brace;
    const need = brace - start + room;
    if (at + need > piece.length) {
      if (at > 0) yield piece.subarray(0, at);
      piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, need));
      at = 0;
    }
    at += source.copy(piece, at, start, brace);
    at += piece.write(`${constant}${row.offset},"kafka_timestamp":${row.timestamp}}`, at, 'latin1');
    piece[at++] = NEWLINE;
  }
  if (at > 0) yield piece.subarray(0, at);
}
