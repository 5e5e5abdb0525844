import { linesOf } from '../lines.ts';
import { arrayItems } from './array-items.ts';

/** One record's bytes, by its place in the file from 1; or why there are none. */
export type RecordText =
  | { readonly index: number; readonly bytes: Buffer }
  | { readonly index: number; readonly fault: string };

/** AWS promises 256 KB a record, and 1 MB since 2025. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;
/** A document that is neither a list of records nor one record per line is read whole. */
const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;

const RECORDS = /^\s*(?:\{\s*"Records"\s*:\s*)?\[/;

/**
 * The records of a log file: `{"Records":[…]}`, a bare list, one record per line, or one
 * JSON document laid out over many lines. Lists and lines are read piece by piece, so that one bad
 * record spoils no other and a file may have any size.
 */
export async function* recordTexts(source: AsyncIterable<Buffer>): AsyncGenerator<RecordText> {
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return;
  const head = withoutMark(first.value);
  const all = resumed(head, chunks);
  const text = head.toString('utf8');
  const opening = RECORDS.exec(text);
  if (opening) {
    yield* arrayItems(all, Buffer.byteLength(opening[0]), MAX_RECORD_BYTES);
  } else if (isOneDocument(text)) {
    yield* wholeDocument(all);
  } else {
    for await (const line of linesOf(all, MAX_RECORD_BYTES)) {
      yield 'tooLong' in line
        ? { index: line.number, fault: `is longer than ${MAX_RECORD_BYTES} bytes` }
        : { index: line.number, bytes: line.bytes };
    }
  }
}

/** A first line that opens an object and does not close it. */
function isOneDocument(head: string): boolean {
  const newline = head.trimStart().indexOf('\n');
  const line = newline < 0 ? '' : head.trimStart().slice(0, newline).trim();
  return line.startsWith('{') && !line.endsWith('}');
}

async function* wholeDocument(source: AsyncIterable<Buffer>): AsyncGenerator<RecordText> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > MAX_DOCUMENT_BYTES) {
      yield { index: 1, fault: `is a document of more than ${MAX_DOCUMENT_BYTES} bytes` };
      return;
    }
    parts.push(chunk);
  }
  yield { index: 1, bytes: Buffer.concat(parts) };
}

async function* resumed(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    yield next.value;
  }
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

const withoutMark = (head: Buffer): Buffer =>
  head.subarray(0, 3).equals(BYTE_ORDER_MARK) ? head.subarray(3) : head;
