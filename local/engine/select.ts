import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { Asked } from './asked.ts';
import { clientGone, type Connection } from './connections.ts';
import { toEngineException } from './exceptions.ts';
import { stringLiteral } from './literals.ts';
import type { Reply } from './reply.ts';
import type { OpenPipe, Spool } from './spool.ts';
import type { Statement } from './statement.ts';
import { readSummary } from './summary.ts';

/** So much of a result is held back, so that an early exception still gets its own status. */
const HOLD_BACK_BYTES = 1 << 20;
const SYNTAX_ERROR = 62;

export interface Select {
  readonly sql: string;
  readonly statement: Extract<Statement, { kind: 'select' }>;
  readonly asked: Asked;
  readonly reply: Reply;
}

/**
 * Streams a result: the engine writes it, in whatever format, into a named pipe, so that memory
 * stays the same however large it is, and a slow client slows the engine down.
 */
export async function answerSelect(
  select: Select,
  connection: Connection,
  spool: Spool,
): Promise<void> {
  const { sql, statement, asked, reply } = select;
  const format = statement.format ?? asked.format;
  try {
    if (asked.waitEnd) await throughFile(select, format, connection, spool);
    else await throughPipe(select, format, connection, spool);
  } catch (error) {
    const exception = toEngineException(error);
    if (exception.code !== SYNTAX_ERROR || reply.started) throw exception;
    // The engine quotes what it was given, with our clause in it: let it judge the request's own
    // text. Should that be fine after all, its answer is the answer.
    const ran = await connection.run(sql, format);
    reply.whole(format, readSummary(ran), ran.bytes);
  }
}

function into(statement: Select['statement'], path: string, format: string): string {
  const tail = statement.tail === '' ? `FORMAT ${format}` : statement.tail;
  return `${statement.body}\nINTO OUTFILE ${stringLiteral(path)} TRUNCATE ${tail}`;
}

async function throughPipe(
  { statement, reply }: Select,
  format: string,
  connection: Connection,
  spool: Spool,
): Promise<void> {
  const pipe = spool.pipe();
  const open = pipe.open();
  const abandoned = { gone: reply.gone, mark: pipe.path };
  const settled = connection
    .run(into(statement, pipe.path, format), format, abandoned)
    .then(
      (ran) => ({ ran }),
      (error: unknown) => ({ exception: toEngineException(error) }),
    )
    .finally(() => open.end());
  try {
    const held = await forward(open, format, reply);
    const outcome = await settled;
    if ('exception' in outcome) throw outcome.exception;
    if (reply.started) reply.end();
    else reply.whole(format, readSummary(outcome.ran), Buffer.concat(held));
  } finally {
    open.stream.destroy();
    await settled;
    pipe.release();
  }
}

/**
 * Passes the stream on once it is large; what is still held at its end is returned. It is read to
 * its end even when the client is gone: an engine that waits for room in the pipe, or for a reader
 * of it, is deaf to being cancelled.
 */
async function forward({ stream }: OpenPipe, format: string, reply: Reply): Promise<Buffer[]> {
  const held: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (reply.gone.aborted) continue;
    bytes += chunk.length;
    if (!reply.started && bytes <= HOLD_BACK_BYTES) {
      held.push(chunk);
      continue;
    }
    if (!reply.started) {
      reply.start(format, readSummary(undefined));
      for (const early of held.splice(0)) await reply.write(early);
    }
    await reply.write(chunk);
  }
  if (reply.gone.aborted) throw clientGone();
  return held;
}

/** The whole result first, then the answer: `wait_end_of_query=1`. */
async function throughFile(
  { statement, reply }: Select,
  format: string,
  connection: Connection,
  spool: Spool,
): Promise<void> {
  const path = spool.path();
  try {
    const abandoned = { gone: reply.gone, mark: path };
    const ran = await connection.run(into(statement, path, format), format, abandoned);
    reply.start(format, readSummary(ran), (await stat(path)).size);
    const file = createReadStream(path);
    await once(file, 'open');
    for await (const chunk of file as AsyncIterable<Buffer>) {
      if (reply.gone.aborted) throw clientGone();
      await reply.write(chunk);
    }
    reply.end();
  } finally {
    await rm(path, { force: true });
  }
}
