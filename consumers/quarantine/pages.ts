/** A selection of any size in pieces that fit into memory, in the order of partitions and offsets. */
import type { QuarantineStore, WholeMessage } from './store.ts';
import type { Selection } from './selection.ts';

/** Offsets are asked for ahead of their messages, so that a piece can be cut by bytes. */
const OFFSETS_AT_ONCE = 5_000;
const PIECE_MESSAGES = 500;
const PIECE_BYTES = 4 * 1024 * 1024;

/** Positions only; `bytes` are those of the messages. */
export interface OffsetPiece {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offsets: readonly number[];
}

/** Pieces of one partition each, of at most 500 messages and 4 MiB (one message at least). */
export async function* piecesOf(
  store: QuarantineStore,
  selection: Selection,
): AsyncGenerator<OffsetPiece> {
  for (const { topic, topicId, partition } of await store.partitions(selection)) {
    const where = { topicId, partition };
    for (let after = -1; ;) {
      const page = await store.offsets(selection, where, after, OFFSETS_AT_ONCE);
      const last = page.at(-1);
      if (!last) break;
      after = last.offset;
      let offsets: number[] = [];
      let bytes = 0;
      for (const one of page) {
        const isFull = offsets.length >= PIECE_MESSAGES || bytes + one.bytes > PIECE_BYTES;
        if (offsets.length > 0 && isFull) {
          yield { topic, topicId, partition, offsets };
          offsets = [];
          bytes = 0;
        }
        offsets.push(one.offset);
        bytes += one.bytes;
      }
      yield { topic, topicId, partition, offsets };
    }
  }
}

/** The same with the messages themselves. */
export async function* messagesOf(
  store: QuarantineStore,
  selection: Selection,
): AsyncGenerator<WholeMessage[]> {
  for await (const piece of piecesOf(store, selection)) {
    yield await store.whole(piece, piece.offsets);
  }
}
