/**
 * Replay: quarantined messages go back through the front door, as they were or repaired. Nothing here
 * has to happen exactly once: a message's event id and partition depend on the message alone, so the
 * worker stores the first copy that comes and records every other as a duplicate
 * (docs/decisions/0013-quarantine.md).
 */
import type { LedgerSink } from '../ledger-sink.ts';
import { type Candidate, candidateOf, notReplayable, type Refusal } from './candidate.ts';
import type { FrontDoor, Replayed } from './front-door.ts';
import { eventIdOf } from './identity.ts';
import { formatMessageId } from './message-id.ts';
import { messagesOf } from './pages.ts';
import type { Standards } from './rejudge.ts';
import type { Selection } from './selection.ts';
import type { QuarantineStore, Resolution, WholeMessage } from './store.ts';
import type { Transform } from './transform.ts';
import type { TransformResult } from './transform-protocol.ts';

/** What became of one message of the selection. */
export type ReplayOutcome =
  | { readonly kind: 'sent'; readonly partition: number; readonly offset: number }
  /** Its event is in the ledger, from an earlier attempt or from its producer: nothing was sent. */
  | { readonly kind: 'already-stored'; readonly partition: number; readonly offset: number }
  /** Another message of this selection is the same event, and was sent. */
  | { readonly kind: 'same-event' }
  /** A transform left it as it is. */
  | { readonly kind: 'left' }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly error: string }
  /** Of a dry run. */
  | { readonly kind: 'would-send'; readonly message: Buffer };

export type RefusalCode = Refusal['code'] | 'too_large_for_kafka';

export interface ReplayRequest {
  readonly selection: Selection;
  readonly store: QuarantineStore;
  readonly sink: Pick<LedgerSink, 'find'>;
  /** Nothing is sent or marked without one: a dry run. */
  readonly door: FrontDoor | undefined;
  readonly transform: Transform | undefined;
  readonly standards: Standards;
  /** Recorded with each message. */
  readonly runId: string;
  readonly resolvedBy: string;
  readonly reason: string;
  /** Takes no further piece once it is aborted. */
  readonly signal: AbortSignal;
  /** Hears of each message, once what was done about it has been recorded. */
  readonly onOutcome: (original: WholeMessage, outcome: ReplayOutcome) => void | Promise<void>;
}

/**
 * Replays a selection, piece by piece: judge, look up, send, record. Killed anywhere, the same call
 * goes on where it was.
 *
 * @throws WorkerError KAFKA_UNREACHABLE; ClickHouseUnreachable; LedgerlineError CALLBACK_FAILED
 */
export async function replay(request: ReplayRequest): Promise<void> {
  const { store, selection, signal } = request;
  const sentIds = new Set<string>();
  for await (const originals of messagesOf(store, selection)) {
    if (signal.aborted) return;
    await replayPiece(request, originals, sentIds);
  }
}

async function replayPiece(
  request: ReplayRequest,
  originals: readonly WholeMessage[],
  sentIds: Set<string>,
): Promise<void> {
  const { transform, standards, sink, door } = request;
  const outcomes = new Map<WholeMessage, ReplayOutcome>();
  const ready: Replayed[] = [];
  const stored = await sink.find(
    originals.filter((original) => !notReplayable(original)).map(eventIdOf),
  );
  for (const original of originals) {
    const [place] = notReplayable(original) ? [] : (stored.get(eventIdOf(original)) ?? []);
    if (place) {
      const { partition, offset } = place;
      outcomes.set(original, { kind: 'already-stored', partition, offset });
      continue;
    }
    const candidate = candidateOf(original, await repaired(original, transform), standards);
    if (candidate.kind !== 'ready') {
      outcomes.set(original, notSent(candidate));
    } else if (sentIds.has(candidate.eventId)) {
      outcomes.set(original, { kind: 'same-event' });
    } else {
      const { eventId, message } = candidate;
      sentIds.add(eventId);
      ready.push({ original, eventId, message });
      if (!door) outcomes.set(original, { kind: 'would-send', message });
    }
  }
  if (door) {
    const places = await door.send(ready);
    for (const [index, place] of places.entries()) {
      const one = ready[index];
      if (one) outcomes.set(one.original, placed(place));
    }
    await record(request, door.topic, outcomes);
  }
  for (const original of originals) {
    const outcome = outcomes.get(original);
    if (outcome) await request.onOutcome(original, outcome);
  }
}

/** What the transform makes of it; nothing where there is none, or no message that could be repaired. */
async function repaired(
  original: WholeMessage,
  transform: Transform | undefined,
): Promise<TransformResult | undefined> {
  if (!transform || notReplayable(original)) return undefined;
  const { reason, error, key, headers, message, timestampMs } = original;
  return transform.apply({
    id: formatMessageId(original),
    reason,
    error,
    key,
    headers,
    text: message.toString('utf8'),
    bytes: message,
    receivedAt: new Date(timestampMs).toISOString(),
    eventId: eventIdOf(original),
  });
}

const notSent = (candidate: Exclude<Candidate, { kind: 'ready' }>): ReplayOutcome =>
  candidate.kind === 'left' ? candidate : { kind: 'refused', ...candidate.refusal };

const placed = (place: Awaited<ReturnType<FrontDoor['send']>>[number]): ReplayOutcome =>
  place === 'too-large'
    ? {
        kind: 'refused',
        code: 'too_large_for_kafka',
        error: "larger than the topic's max.message.bytes",
      }
    : { kind: 'sent', ...place };

/** Killed before this, the messages stay open: the next run finds their events stored, or sends copies. */
async function record(
  request: ReplayRequest,
  topic: string,
  outcomes: ReadonlyMap<WholeMessage, ReplayOutcome>,
): Promise<void> {
  const { store, runId, resolvedBy, reason, transform } = request;
  const marks = [...outcomes].flatMap(([original, outcome]) => {
    if (outcome.kind !== 'sent' && outcome.kind !== 'already-stored') return [];
    const resolution: Resolution = {
      state: 'replayed',
      runId,
      resolvedBy,
      reason: outcome.kind === 'already-stored' ? `${reason} (was in the ledger)`.trim() : reason,
      eventId: eventIdOf(original),
      replayedTopic: topic,
      replayedPartition: outcome.partition,
      replayedOffset: outcome.offset,
      transform: outcome.kind === 'sent' ? (transform?.hash ?? '') : '',
    };
    return [{ ...original, resolution }];
  });
  const [first] = marks;
  if (!first) return;
  const { topicId, partition, offset } = first;
  await store.resolve(marks, `replayed/${runId}/${topicId}/${partition}/${offset}`);
}
