import { LedgerlineError } from '../schemas/index.ts';
import type { LossCause } from './counters.ts';
import { startDeadline } from './deadline.ts';
import { DeliveryError } from './delivery-error.ts';
import type { DeliveryListener } from './outbound.ts';
import type { AcceptedReceipt, Delivered, SpooledReceipt, StoredReceipt } from './receipt.ts';

type KeptReceipt = AcceptedReceipt | SpooledReceipt;

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
  #kept: KeptReceipt | undefined;
  #resolve: (receipt: StoredReceipt) => void = () => undefined;
  #reject: (error: LedgerlineError) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #forget: (() => void) | undefined;

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

  /** The buffer or the spool has the event: the deadline runs. */
  kept(receipt: KeptReceipt): void {
    this.#kept = receipt;
    this.#timer = startDeadline(() => {
      this.#forget?.();
      this.#fail(this.#late());
    }, this.#options.timeoutMs);
  }

  /** {@link promise} for those who await it without wanting to catch. */
  delivered(): Promise<Delivered> {
    return this.promise.catch((error: DeliveryError) => ({ status: 'undelivered', error }));
  }

  stored(partition: number, offset: number): void {
    clearTimeout(this.#timer);
    this.#counting?.stored(partition, offset);
    if (this.#kept === undefined) return;
    const { id, seq } = this.#kept;
    this.#resolve({ status: 'stored', id, seq, topic: this.#options.topic, partition, offset });
  }

  lost(cause: LossCause, error: LedgerlineError): void {
    clearTimeout(this.#timer);
    this.#counting?.lost(cause, error);
    this.#fail(error);
  }

  postponed(): void {
    clearTimeout(this.#timer);
    this.#fail(
      new LedgerlineError('CLOSED', 'The ledger closed before Kafka had the event.', {
        hint: 'It is in the spool, and sent when a ledger opens that folder next.',
      }),
    );
  }

  onGivingUp(forget: () => void): void {
    this.#forget = forget;
  }

  #fail(error: LedgerlineError): void {
    if (this.#kept !== undefined) this.#reject(new DeliveryError(this.#kept.id, error));
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
