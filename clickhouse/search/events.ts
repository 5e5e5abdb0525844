import type { Readable } from 'node:stream';
import { PRODUCER_COLUMNS } from '../../schemas/columns.ts';
import { decodeRow } from '../../schemas/decode-row.ts';
import type { AuditEvent } from '../../schemas/index.ts';

export const EVENT_COLUMNS = PRODUCER_COLUMNS.map(({ name }) => name).join(', ');

export interface Decoded {
  readonly events: AuditEvent[];
  /** It was left before its end. */
  readonly cut: boolean;
}

/** Rows until so many bytes have been read, then no more; always at least one. */
export async function decodedRows(answer: Readable, maxBytes: number): Promise<Decoded> {
  const events: AuditEvent[] = [];
  let held: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        held.push(chunk.subarray(from, at));
        events.push(decodeRow(Buffer.concat(held)));
        held = [];
        from = at + 1;
      }
      held.push(chunk.subarray(from));
      bytes += chunk.length;
      if (bytes > maxBytes && events.length > 0) return { events, cut: true };
    }
  } finally {
    answer.destroy();
  }
  return { events, cut: false };
}
