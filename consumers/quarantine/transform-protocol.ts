/** What passes between the command and the thread that runs an operator's transform. */

/** What a transform is told beside the event. */
export interface TransformContext {
  /** `topic/partition@offset` of the quarantined message. */
  readonly id: string;
  readonly reason: string;
  readonly error: string;
  /** The message as text, and its very bytes: where it is no JSON, there is no event to be given. */
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** When Kafka received it, ISO 8601. */
  readonly receivedAt: string;
  /** The id that the result must bear: the event's own, or one made from the message's position. */
  readonly eventId: string;
}

export type ToThread = TransformContext;

export type FromThread =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'unusable'; readonly error: string }
  | TransformResult;

export type TransformResult =
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  /** It answered nothing: the message is left as it is. */
  | { readonly kind: 'left' }
  | { readonly kind: 'failed'; readonly error: string };
