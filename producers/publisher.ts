import { encodeRow, LedgerlineError, messageKey, type AuditEvent } from '../schemas/index.ts';
import type { LossCause } from './counters.ts';
import { deadlineFault } from './deadline.ts';
import { Delivery, type DrainReport } from './delivery.ts';
import { checkDeliveryOptions, DEFAULTS, type DeliveryOptions } from './options.ts';
import { Outbound } from './outbound.ts';

/** What became of a published event. */
export type PublishOutcome =
  | { readonly status: 'stored'; readonly partition: number; readonly offset: number }
  | { readonly status: 'lost'; readonly cause: LossCause; readonly error: LedgerlineError };

/** An event that is in the buffer. `delivered` never rejects. */
export interface Publication {
  readonly id: string;
  readonly delivered: Promise<PublishOutcome>;
}

export interface PublishOptions {
  /**
   * The event may be in the log already, from an import before this one, say: the ledger looks
   * its id up and stores it once. `false`.
   */
  readonly mayRepeat?: boolean | undefined;
  /** How long to wait for room in the buffer, in milliseconds; 10,000. `Infinity` for ever. */
  readonly timeoutMs?: number | undefined;
}

/** An event as the log takes it. */
export interface EncodedEvent {
  readonly id: string;
  /** `tenant_id/target_type/target_id`, which decides the partition. */
  readonly key: string;
  /** The wire row. */
  readonly value: Buffer;
}

/** Sends events that exist already, with ids and times of their own; no policy, no stamping. */
export interface Publisher {
  /**
   * Resolves when the event is in the buffer, and so waits while that is full; what became of the
   * event is the answer's `delivered`. Rejects with `DEADLINE_EXCEEDED` when the buffer stays
   * full, `CLOSED`, or what `encodeRow` says of an event that is none.
   */
  publish(event: AuditEvent, options?: PublishOptions): Promise<Publication>;
  /** The same for an event that is encoded already, by `encodeRow`, here or elsewhere. */
  publishEncoded(event: EncodedEvent, options?: PublishOptions): Promise<Publication>;
  /** Resolves when everything published so far is settled, or at the deadline. */
  flush(options?: { readonly timeoutMs?: number }): Promise<DrainReport>;
  /** Flushes and lets go. Safe to call twice. */
  close(options?: { readonly timeoutMs?: number }): Promise<DrainReport>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a way to the ledger for imports and tools. Connects first: rejects with
 * `KAFKA_UNREACHABLE` or `KAFKA_REFUSED`, which name the brokers tried and the way out.
 *
 * @example
 * await using publisher = await openPublisher({ kafka: { brokers: ['127.0.0.1:9092'] } });
 * const { delivered } = await publisher.publish(event, { mayRepeat: true });
 * const outcome = await delivered; // { status: 'stored', partition: 3, offset: 1042 }
 */
export async function openPublisher(options: DeliveryOptions): Promise<Publisher> {
  const delivery = new Delivery(checkDeliveryOptions(options));
  try {
    await delivery.transport.connect();
  } catch (error) {
    await delivery.transport.close();
    throw error;
  }
  const close: Publisher['close'] = async ({ timeoutMs = DEFAULTS.closeTimeoutMs } = {}) =>
    delivery.close(checked('close', timeoutMs));
  return {
    publish: async (event, options) =>
      publish(delivery, { id: event.id, key: messageKey(event), value: encodeRow(event) }, options),
    publishEncoded: (event, options) => publish(delivery, event, options),
    flush: async ({ timeoutMs = DEFAULTS.flushTimeoutMs } = {}) =>
      delivery.flush(checked('flush', timeoutMs)),
    close,
    [Symbol.asyncDispose]: async () => void (await close()),
  };
}

async function publish(
  delivery: Delivery,
  { id, key, value }: EncodedEvent,
  { mayRepeat = false, timeoutMs = DEFAULTS.recordTimeoutMs }: PublishOptions = {},
): Promise<Publication> {
  checked('publish', timeoutMs);
  if (delivery.closing) throw closed();
  let settle: (outcome: PublishOutcome) => void = () => undefined;
  const delivered = new Promise<PublishOutcome>((resolve) => {
    settle = resolve;
  });
  const outbound = new Outbound(id, key, value, mayRepeat, {
    stored: (partition, offset) => settle({ status: 'stored', partition, offset }),
    lost: (cause, error) => settle({ status: 'lost', cause, error }),
  });
  if (await delivery.offerWithin(outbound, timeoutMs)) return { id, delivered };
  if (delivery.closing) throw closed();
  throw new LedgerlineError('DEADLINE_EXCEEDED', `The buffer was full for ${timeoutMs} ms.`, {
    hint: 'See why Kafka does not take events, then publish again.',
    cause: delivery.lastError,
  });
}

function checked(call: string, timeoutMs: number): number {
  const fault = deadlineFault(call, timeoutMs);
  if (fault !== undefined) throw fault;
  return timeoutMs;
}

const closed = (): LedgerlineError =>
  new LedgerlineError('CLOSED', 'The publisher is closed.', { hint: 'Open another one.' });
