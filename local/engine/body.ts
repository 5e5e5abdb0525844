import type { IncomingMessage } from 'node:http';
import { pipeline, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { EngineException, notImplemented } from './exceptions.ts';

/** A statement in a request's body, and rows behind it, are held in memory up to here. */
const MAX_STATEMENT_BYTES = 64 << 20;

/** What undoes a body's Content-Encoding; undefined when there is none. */
export function decoderFor(request: IncomingMessage): Transform | undefined {
  const encoding = request.headers['content-encoding'] ?? '';
  switch (encoding) {
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
      return createGunzip();
    case 'br':
      return createBrotliDecompress();
    default:
      throw notImplemented(`Content-Encoding ${encoding}: send gzip, br or none`);
  }
}

/** A whole body as text: a statement. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const decoder = decoderFor(request);
  const source: AsyncIterable<Buffer> =
    decoder === undefined ? request : pipeline(request, decoder, () => undefined);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > MAX_STATEMENT_BYTES) {
      throw new EngineException(
        229,
        'QUERY_IS_TOO_LARGE',
        `A statement in the body may have ${MAX_STATEMENT_BYTES} bytes; put an INSERT's statement into ?query= and its rows into the body.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
