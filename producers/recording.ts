import { LedgerlineError } from '../schemas/index.ts';
import type { LossCause } from './counters.ts';
import type { DeliveryListener } from './outbound.ts';
import type { AcceptedReceipt, StoredReceipt } from './receipt.ts';

/**
 * An event was accepted, and its delivery is not certain. To say it again, pass `eventId` as the
 * event's `id`: the ledger then stores it once, whatever arrived before.
 */
export class DeliveryError extends LedgerlineError {
  override readonly name = 'DeliveryError';
  readonly eventId: string;

  constructor(eventId: string, { code, message, hint, retryable, cause }: LedgerlineError) {
    super(code, message, { hint, retryable, cause });
    this.eventId = eventId;
  }
}

interface RecordingOptions {
  readonly topic: string;
  readonly timeoutMs: number;
  /** Why events are not sent at the moment. */
  readonly lastError: () => Error | undefined;
}

/** Turns an event's way to Kafka into a promise with a deadline. */
export class Recording implements DeliveryListener {
  readonly promise: Promise<StoredReceipt>;
  readonly #options: RecordingOptions;
  #counting: DeliveryListener | undefined;
  #accepted: AcceptedReceipt | undefined;
  #resolve: (receipt: StoredReceipt) => void = () => undefined;
  #reject: (error: LedgerlineError) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RecordingOptions) {
    this.#options = options;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Who counts, whether or not anyone still waits. */
  countedBy(listener: DeliveryListener): this {
    this.#counting = listener;
    return this;
  }

  /** The buffer has the event: the deadline runs. */
  accepted(receipt: AcceptedReceipt): void {
    this.#accepted = receipt;
    this.#timer = setTimeout(() => this.#fail(this.#late()), this.#options.timeoutMs);
  }

  stored(partition: number, offset: number): void {
    clearTimeout(this.#timer);
    this.#counting?.stored(partition, offset);
    if (this.#accepted === undefined) return;
    const { id, seq } = this.#accepted;
    this.#resolve({ status: 'stored', id, seq, topic: this.#options.topic, partition, offset });
  }

  lost(cause: LossCause, error: LedgerlineError): void {
    clearTimeout(this.#timer);
    this.#counting?.lost(cause, error);
    this.#fail(error);
  }

  #fail(error: LedgerlineError): void {
    if (this.#accepted !== undefined) this.#reject(new DeliveryError(this.#accepted.id, error));
  }

  #late(): LedgerlineError {
    const cause = this.#options.lastError();
    const why = cause === undefined ? '' : ` ${cause.message}`;
    return new LedgerlineError(
      'DEADLINE_EXCEEDED',
      `Kafka did not confirm the event within ${this.#options.timeoutMs} ms.${why}`,
      {
        hint: 'It is still being sent and may arrive: say it again only under the same id.',
        cause,
      },
    );
  }
}
