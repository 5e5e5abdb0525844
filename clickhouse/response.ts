import { Transform } from 'node:stream';
import type { Readable, TransformCallback } from 'node:stream';
import { refusalError } from './errors.ts';

export interface AnswerHead {
  readonly status: number;
  readonly exceptionCode: string | undefined;
  /** Marks where an exception begins in a body whose head already said 200. */
  readonly exceptionTag: string | undefined;
}

/** Reads a body whole, until the signal's deadline. */
export async function readText(body: Readable, signal: AbortSignal): Promise<string> {
  const onAbort = (): void => {
    body.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * A query can fail after its first rows have left with status 200. ClickHouse (since 25.11) then
 * appends `\r\n__exception__\r\n<tag>\r\n<text>…`; the tag is random, so no row can contain it.
 * Without this, a cut result would read as a complete one.
 */
export function withoutTrailingException(
  body: Readable,
  head: AnswerHead,
  address: string,
): Readable {
  const tag = head.exceptionTag;
  if (tag === undefined) return body;
  const mark = Buffer.from(`\r\n__exception__\r\n${tag}`);
  let held: Buffer = Buffer.alloc(0);
  let exception: Buffer[] | undefined;
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      if (exception) {
        exception.push(chunk);
        done();
        return;
      }
      const seen = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const at = seen.indexOf(mark);
      if (at >= 0) {
        exception = [seen.subarray(at + mark.length)];
        done(null, seen.subarray(0, at));
        return;
      }
      const keep = Math.min(mark.length - 1, seen.length);
      held = seen.subarray(seen.length - keep);
      done(null, seen.subarray(0, seen.length - keep));
    },
    flush(done: TransformCallback) {
      if (!exception) {
        done(null, held);
        return;
      }
      const text = Buffer.concat(exception).toString('utf8');
      done(refusalError({ address, text, httpStatus: head.status, quotes: 'statement' }));
    },
  });
  body.once('error', (error) => watch.destroy(error));
  watch.once('close', () => body.destroy());
  return body.pipe(watch);
}
