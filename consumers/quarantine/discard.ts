/** Discard: a person says that messages need no more care. They stay where they are, and say so. */
import { piecesOf } from './pages.ts';
import type { Selection } from './selection.ts';
import type { QuarantineStore, Resolution } from './store.ts';

export interface DiscardRequest {
  readonly selection: Selection;
  readonly store: QuarantineStore;
  readonly runId: string;
  readonly resolvedBy: string;
  readonly reason: string;
  readonly signal: AbortSignal;
  /** So many more are recorded as discarded. */
  readonly onProgress: (messages: number) => void;
}

/** Marks what is selected, piece by piece; killed anywhere, the same call goes on where it was. */
export async function discard(request: DiscardRequest): Promise<void> {
  const { selection, store, runId, resolvedBy, reason, signal, onProgress } = request;
  const resolution: Resolution = {
    state: 'discarded',
    runId,
    resolvedBy,
    reason,
    eventId: '',
    replayedTopic: '',
    replayedPartition: -1,
    replayedOffset: -1,
    transform: '',
  };
  for await (const { offsets, ...place } of piecesOf(store, selection)) {
    if (signal.aborted) return;
    const marks = offsets.map((offset) => ({ ...place, offset, resolution }));
    await store.resolve(
      marks,
      `discarded/${runId}/${place.topicId}/${place.partition}/${offsets[0]}`,
    );
    onProgress(marks.length);
  }
}
