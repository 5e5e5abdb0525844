import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { notImplemented } from './exceptions.ts';
import { stringLiteral } from './literals.ts';
import type { Statement } from './statement.ts';

/** The statement that reads an insert's rows from a file instead of its own text. */
export function fromFile(insert: Extract<Statement, { kind: 'insert' }>, path: string): string {
  return `${insert.head} FROM INFILE ${stringLiteral(path)} ${insert.settings} FORMAT ${insert.format}`;
}

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
