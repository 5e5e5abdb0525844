import { LedgerlineError } from '../schemas/index.ts';
import { settlesWithin } from './deadline.ts';
import { KafkaTransport } from './kafka-transport.ts';
import { stderrLogger, type Logger } from './logger.ts';
import { BATCH_LIMITS, type CheckedDelivery } from './options.ts';
import type { Outbound } from './outbound.ts';
import { Sender } from './sender.ts';
import type { Transport } from './transport.ts';

/** How a flush or a close ended. */
export interface DrainReport {
  /** Everything accepted before the call reached its end: stored, or refused by Kafka. */
  readonly complete: boolean;
  /** How many events are still waiting; after a close, given up. Kafka may have some of them. */
  readonly left: number;
  /** Why Kafka does not take them, where it is known. */
  readonly error?: Error;
}

/** What a category says of its events' delivery. */
export interface Handling {
  readonly category: string;
  readonly durability: 'memory' | 'disk';
  readonly onFailure: 'spool' | 'drop';
}

/** Where an event went, or why it went nowhere. */
type Placement = 'accepted' | 'spooled' | 'queue_full' | 'spool_full';

/** The buffer was full: since when, and how many it turned away. */
interface Overflow {
  readonly sinceMs: number;
  refused: number;
}

/**
 * The way of encoded events to Kafka: bounded buffer, sender, transport, and what is said about
 * them in the log: one line when a bad state begins, one when it ends.
 */
export class Delivery {
  readonly transport: Transport;
  readonly #sender: Sender;
  readonly #logger: Logger;
  readonly #roomWaiters = new Set<() => void>();
  #overflow: Overflow | undefined;
  #closing: Promise<DrainReport> | undefined;

  constructor(options: CheckedDelivery) {
    this.#logger = options.logger ?? stderrLogger;
    this.transport = transportOf(options);
    this.#sender = new Sender({
      transport: this.transport,
      bounds: options.buffer,
      limits: { ...BATCH_LIMITS, maxEvents: options.batch.maxEvents },
      flushIntervalMs: options.flushIntervalMs,
      onTrouble: (error) =>
        this.#logger.warn({ error }, 'events cannot be sent; they wait, and are tried again'),
      onRecovery: (failedForMs) =>
        this.#logger.info({ failedForMs: Math.round(failedForMs) }, 'events are sent again'),
      onRoom: () => this.#onRoom(),
    });
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  get pending(): { readonly events: number; readonly bytes: number } {
    return { events: this.#sender.buffer.events, bytes: this.#sender.buffer.bytes };
  }

  /** Why events are not sent at the moment; undefined while they are. */
  get lastError(): Error | undefined {
    return this.#sender.lastError;
  }

  /** Why the spool takes no events at the moment; undefined while it does. */
  get spoolError(): Error | undefined {
    return undefined;
  }

  /** Takes an event into memory or onto disk, as its category says, or says why not. */
  offer(outbound: Outbound, _handling: Handling): Placement {
    if (this.#sender.offer(outbound)) return 'accepted';
    if (this.#overflow === undefined) {
      this.#overflow = { sinceMs: performance.now(), refused: 0 };
      this.#logger.error(this.pending, 'the buffer is full: events are refused');
    }
    this.#overflow.refused += 1;
    return 'queue_full';
  }

  /** Takes an event, as soon as there is room for it; false when that takes longer than this. */
  async offerWithin(outbound: Outbound, timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!this.#sender.offer(outbound)) {
      let heard: () => void = () => undefined;
      const room = new Promise<void>((resolve) => {
        heard = resolve;
        this.#roomWaiters.add(heard);
      });
      const inTime = await settlesWithin(room, deadlineMs - performance.now());
      this.#roomWaiters.delete(heard);
      if (!inTime || this.closing) return false;
    }
    return true;
  }

  /** Sends now, rather than when the interval is over. */
  urge(): void {
    this.#sender.urge();
  }

  async flush(timeoutMs: number): Promise<DrainReport> {
    const complete = await settlesWithin(this.#sender.flushed(), timeoutMs);
    // A close settles what it gives up as well: its own answer is then the true one.
    if (complete && this.#closing !== undefined) return this.#closing;
    return this.#report(complete, complete ? 0 : this.pending.events);
  }

  /** Flushes, then lets go; what is left is told so. Memoised. */
  close(timeoutMs: number): Promise<DrainReport> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<DrainReport> {
    await settlesWithin(this.#sender.flushed(), timeoutMs);
    const error = this.lastError;
    const left = await this.#sender.stop();
    for (const outbound of left) outbound.listener.lost('abandoned', abandoned(error));
    for (const waiter of this.#roomWaiters) waiter();
    const report = this.#report(left.length === 0, left.length, error);
    if (!report.complete) {
      this.#logger.error(
        { left: left.length, error },
        'closed with events that were not delivered',
      );
    }
    return report;
  }

  #report(complete: boolean, left: number, error = this.lastError): DrainReport {
    return complete || error === undefined ? { complete, left } : { complete, left, error };
  }

  #onRoom(): void {
    for (const waiter of this.#roomWaiters) waiter();
    if (this.#overflow === undefined || !this.#sender.buffer.isRelaxed) return;
    const { sinceMs, refused } = this.#overflow;
    this.#overflow = undefined;
    this.#logger.warn(
      { refused, fullForMs: Math.round(performance.now() - sinceMs) },
      'the buffer has room again',
    );
  }
}

function transportOf({ transport, kafka, topic }: CheckedDelivery): Transport {
  if (transport !== undefined) return transport;
  if (kafka === undefined) {
    throw new LedgerlineError('CONFIG_INVALID', 'kafka: say where Kafka is.', {
      hint: 'Pass kafka: { brokers: ["127.0.0.1:9092"] }.',
    });
  }
  return new KafkaTransport(kafka, topic);
}

const abandoned = (cause: Error | undefined): LedgerlineError =>
  new LedgerlineError('CLOSED', 'The ledger closed before Kafka had the event.', {
    hint: 'It may have arrived all the same: say it again only under the same id.',
    cause,
  });
