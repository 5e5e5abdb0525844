import { LedgerlineError } from '../../schemas/index.ts';
import { linesOf } from '../lines.ts';
import type { Publishing } from '../publishing.ts';
import { eventOfLine, type Defaults } from './event-of-line.ts';

/** Beyond what any event can need, also one that the encoder will cut to fit. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

export interface Source {
  /** As complaints name it; nothing for stdin. */
  readonly name: string | undefined;
  readonly bytes: AsyncIterable<Buffer>;
}

export interface Emitting {
  readonly source: Source;
  readonly defaults: Defaults;
  readonly publishing: Publishing;
  readonly signal: AbortSignal;
  readonly onBad: (where: string, reason: string) => void;
}

/** Publishes every good line of a source and tells of the bad ones. Stops early at the signal. */
export async function emitLines(emitting: Emitting): Promise<{ lines: number }> {
  const { source, defaults, publishing, signal, onBad } = emitting;
  let lines = 0;
  for await (const line of linesOf(source.bytes, MAX_LINE_BYTES)) {
    if (signal.aborted) break;
    lines += 1;
    const where = `${source.name === undefined ? '' : `${source.name}, `}line ${line.number}`;
    if ('tooLong' in line) {
      onBad(where, `is longer than ${MAX_LINE_BYTES} bytes`);
      continue;
    }
    const read = eventOfLine(line.bytes, defaults);
    if (!read.ok) {
      onBad(where, read.reason);
      continue;
    }
    try {
      await publishing.publish(read.event, where, read.mayRepeat);
    } catch (error) {
      if (!(error instanceof LedgerlineError && error.code === 'EVENT_INVALID')) throw error;
      onBad(where, error.message);
    }
  }
  return { lines };
}
