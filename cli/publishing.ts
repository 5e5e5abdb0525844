import { openPublisher, type Publisher } from '../producers/publisher.ts';
import { LedgerlineError } from '../schemas/errors.ts';
import type { AuditEvent } from '../schemas/index.ts';
import { CONTACT_DEADLINE_MS, withDeadline } from './deadline.ts';
import type { Environment } from './environment.ts';
import { deliveryFrom } from './kafka-connection.ts';
import { say } from './terminal.ts';

/** What became of a job's events. */
export interface Published {
  readonly stored: number;
  /** Kafka did not take them, or it is not known whether it did. */
  readonly lost: number;
  /** Why, for the first of them. */
  readonly firstLoss: LedgerlineError | undefined;
}

/** Little enough to start on any machine, large enough for full batches. */
const BUFFER = { maxEvents: 20_000, maxBytes: 24 * 1024 * 1024 } as const;
const ROOM_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 30_000;

/**
 * A job's way to Kafka: waits while the buffer is full, counts what is acknowledged by all in-sync
 * replicas, and tells of each event that is not.
 */
export class Publishing {
  readonly #publisher: Publisher;
  readonly #onLost: (where: string, error: LedgerlineError) => void;
  #stored = 0;
  #lost = 0;
  #firstLoss: LedgerlineError | undefined;

  private constructor(
    publisher: Publisher,
    onLost: (where: string, error: LedgerlineError) => void,
  ) {
    this.#publisher = publisher;
    this.#onLost = onLost;
  }

  /** @throws LedgerlineError KAFKA_UNREACHABLE, KAFKA_REFUSED, within 5 s */
  static async open(
    environment: Environment,
    onLost: (where: string, error: LedgerlineError) => void,
  ): Promise<Publishing> {
    const { kafka, ...delivery } = deliveryFrom(environment);
    const opening = openPublisher({
      ...delivery,
      kafka: { ...kafka, clientId: 'ledgerline-cli' },
      buffer: BUFFER,
      logger: { info: () => undefined, warn: complain, error: complain },
    });
    const publisher = await withDeadline(
      opening,
      CONTACT_DEADLINE_MS,
      () =>
        new LedgerlineError(
          'KAFKA_UNREACHABLE',
          `Kafka does not answer at ${kafka.brokers.join(', ')}: no answer within ${CONTACT_DEADLINE_MS} ms.`,
          { hint: 'Start it, or set LEDGERLINE_KAFKA_BROKERS to where it listens.' },
        ),
      (late) => void late.close({ timeoutMs: 0 }),
    );
    return new Publishing(publisher, onLost);
  }

  /**
   * Puts an event into the buffer; `where` names it in complaints: "line 3".
   *
   * @throws LedgerlineError EVENT_INVALID, for this event; DEADLINE_EXCEEDED, when Kafka takes none
   */
  async publish(event: AuditEvent, where: string, mayRepeat: boolean): Promise<void> {
    const { delivered } = await this.#publisher.publish(event, {
      mayRepeat,
      timeoutMs: ROOM_TIMEOUT_MS,
    });
    void delivered.then((outcome) => {
      if (outcome.status === 'stored') {
        this.#stored += 1;
        return;
      }
      this.#lost += 1;
      this.#firstLoss ??= outcome.error;
      this.#onLost(where, outcome.error);
    });
  }

  /** Waits until Kafka has acknowledged everything, at most 30 s, and lets go. */
  async finish(): Promise<Published> {
    await this.#publisher.close({ timeoutMs: CLOSE_TIMEOUT_MS });
    // The last outcomes are told in promises' callbacks.
    await new Promise((resolve) => setImmediate(resolve));
    return { stored: this.#stored, lost: this.#lost, firstLoss: this.#firstLoss };
  }
}

const complain = (...said: readonly unknown[]): void => {
  const text = said.findLast((part) => typeof part === 'string');
  if (typeof text === 'string') say(`kafka: ${text}`);
};
