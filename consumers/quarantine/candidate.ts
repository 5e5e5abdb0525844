/** Whether a quarantined message may go back through the front door, and as what. Pure. */
import { ERASED_ATTRIBUTE } from '../../clickhouse/index.ts';
import type { TransformResult } from './transform-protocol.ts';
import { eventIdOf } from './identity.ts';
import { rejudge, type Standards } from './rejudge.ts';

export interface Kept {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  readonly message: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Whether an erasure has taken its body: nothing is left that could be sent, or looked at. */
export const isErased = ({ message, headers }: Pick<Kept, 'message' | 'headers'>): boolean =>
  message.length === 0 && Object.hasOwn(headers, ERASED_ATTRIBUTE);

export type Candidate =
  | { readonly kind: 'ready'; readonly eventId: string; readonly message: Buffer }
  /** The transform answered nothing for it. */
  | { readonly kind: 'left' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface Refusal {
  readonly code: 'not_replayable' | 'transform_failed' | 'event_id_changed' | 'still_rejected';
  /** Names fields and rules; of the transform's own error, its words. */
  readonly error: string;
}

const refused = (code: Refusal['code'], error: string): Candidate => ({
  kind: 'refused',
  refusal: { code, error },
});

/** What can't be sent at all, whatever a transform would make of it. */
export function notReplayable(
  kept: Pick<Kept, 'reason' | 'message' | 'headers'>,
): Refusal | undefined {
  if (isErased(kept)) {
    return {
      code: 'not_replayable',
      error: 'erased: it named a person, and its body is no more',
    };
  }
  switch (kept.reason) {
    case 'duplicate':
      return {
        code: 'not_replayable',
        error: 'a duplicate: its event is in the ledger, and its body was not kept',
      };
    case 'accepted_loss':
      return {
        code: 'not_replayable',
        error:
          'an accepted loss: it stands for offsets that Kafka no longer had, not for a message',
      };
    case 'too_large':
    case 'unreadable':
      // Only what was never unpacked has no body: a message that came whole was kept whole.
      return kept.message.length > 0
        ? undefined
        : {
            code: 'not_replayable',
            error: 'never unpacked: its record batch was not read, and its body was not kept',
          };
    default:
      return undefined;
  }
}

/** `transformed`: what a transform made of it; `undefined` where there is none. */
export function candidateOf(
  kept: Kept,
  transformed: TransformResult | undefined,
  standards: Standards,
): Candidate {
  const never = notReplayable(kept);
  if (never) return { kind: 'refused', refusal: never };
  if (transformed?.kind === 'left') return { kind: 'left' };
  if (transformed?.kind === 'failed') {
    return refused('transform_failed', `the transform ${transformed.error}`);
  }
  const message = transformed ? Buffer.from(transformed.bytes) : kept.message;
  const rejection = rejudge(message, standards);
  if (rejection) return refused('still_rejected', `${rejection.reason}: ${rejection.error}`);
  const eventId = eventIdOf(kept);
  if (eventIdOf({ ...kept, message }) !== eventId) {
    return refused(
      'event_id_changed',
      "event_id: must be the context's eventId, by which the ledger knows a repeat",
    );
  }
  return { kind: 'ready', eventId, message };
}
