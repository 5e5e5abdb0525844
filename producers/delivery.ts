import { LedgerlineError } from '../schemas/index.ts';
import { settlesWithin } from './deadline.ts';
import { DiskQueue, type DiskListeners } from './disk-queue.ts';
import { Episode } from './episode.ts';
import { KafkaTransport } from './kafka-transport.ts';
import { stderrLogger, type Logger } from './logger.ts';
import { BATCH_LIMITS, type CheckedDelivery, type CheckedSpool } from './options.ts';
import type { Handling, Outbound, Placement } from './outbound.ts';
import { Sender } from './sender.ts';
import type { Transport } from './transport.ts';

/** How a flush or a close ended. */
export interface DrainReport {
  /**
   * Everything accepted before the call, and all that earlier processes left on disk, reached its
   * end: stored, refused by Kafka, or lost with a file of the spool before.
   */
  readonly complete: boolean;
  /**
   * How many events are still waiting, without those of earlier processes that are on disk alone;
   * after a close, given up: neither in Kafka, which may have some of them, nor on disk.
   */
  readonly left: number;
  /**
   * After a close: how many of this ledger's own are on disk, and sent when a ledger opens the
   * folder next. What earlier processes left there is counted once it is read: `stats().recovered`.
   */
  readonly spooled?: number;
  /** Why Kafka does not take them, where it is known. */
  readonly error?: Error;
}

/** What a ledger adds to the delivery of its events. */
interface LedgerSide {
  readonly spool?: CheckedSpool | undefined;
  readonly listeners: DiskListeners;
  /** Whether a process may end that has nothing to do but to hold the connection. */
  readonly restsWhenIdle: boolean;
}

/** Even a close whose deadline has passed has that long to say its last words. */
const LAST_WORDS_MS = 250;

/**
 * The way of encoded events to Kafka: bounded buffer, spool, sender, transport, and what is said
 * about them in the log: one line when a bad state begins, one when it ends.
 */
export class Delivery {
  readonly transport: Transport;
  readonly #sender: Sender;
  readonly #disk: DiskQueue | undefined;
  readonly #logger: Logger;
  readonly #roomWaiters = new Set<() => void>();
  readonly #overflow: Episode;
  #saidThatThereIsNoSpool = false;
  #closing: Promise<DrainReport> | undefined;

  constructor(options: CheckedDelivery, ledger?: LedgerSide) {
    const logger = options.logger ?? stderrLogger;
    this.#logger = logger;
    this.transport = transportOf(options);
    this.#overflow = new Episode({
      begins: () => logger.error(this.pending, 'the buffer is full: events are refused'),
      over: (refused, fullForMs) =>
        logger.warn({ refused, fullForMs }, 'the buffer has room again'),
    });
    this.#sender = new Sender({
      transport: this.transport,
      bounds: options.buffer,
      limits: { ...BATCH_LIMITS, maxEvents: options.batch.maxEvents },
      flushIntervalMs: options.flushIntervalMs,
      restsWhenIdle: ledger?.restsWhenIdle ?? false,
      onTrouble: (error) =>
        logger.warn({ error }, 'events cannot be sent; they wait, and are tried again'),
      onRecovery: (failures, failedForMs) =>
        logger.info({ failures, failedForMs }, 'events are sent again'),
      onSettled: (batch) => this.#onSettled(batch),
    });
    if (ledger?.spool !== undefined) {
      const { spool, listeners } = ledger;
      const { buffer: bounds } = options;
      this.#disk = new DiskQueue({ spool, bounds, sender: this.#sender, listeners, logger });
    }
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  get pending(): { readonly events: number; readonly bytes: number } {
    return { events: this.#sender.buffer.events, bytes: this.#sender.buffer.bytes };
  }

  /** What the spool's files take; undefined without a spool. */
  get spooledBytes(): number | undefined {
    return this.#disk?.bytes;
  }

  /** Why events are not sent at the moment; undefined while they are. */
  get lastError(): Error | undefined {
    return this.#sender.lastError;
  }

  /** Why the spool takes no events at the moment; undefined while it does. */
  get spoolError(): Error | undefined {
    return this.#disk?.error;
  }

  /** Takes an event into memory or onto disk, as its category says, or says why not. */
  offer(outbound: Outbound, handling: Handling): Placement {
    const placement = this.#place(outbound, handling);
    if (placement === 'queue_full') this.#overflow.met();
    if (placement === 'accepted' || placement === 'spooled') this.transport.offered?.(outbound);
    return placement;
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
    const complete = await settlesWithin(this.#drained(), timeoutMs);
    // A close settles what it gives up as well: its own answer is then the true one.
    if (complete && this.#closing !== undefined) return this.#closing;
    const waiting = this.pending.events + (this.#disk?.onDiskOnly ?? 0);
    return this.#report({ left: complete ? 0 : waiting, complete });
  }

  /**
   * Flushes, then lets go; what is left goes to disk, or is told so. Memoised.
   *
   * @param lastWords called once what can be known of the others' ends is known; may still offer. Not
   *   called when the deadline has passed and there is no disk to take them.
   */
  close(timeoutMs: number, lastWords: () => void = () => undefined): Promise<DrainReport> {
    this.#closing ??= this.#close(timeoutMs, lastWords);
    return this.#closing;
  }

  async #close(timeoutMs: number, lastWords: () => void): Promise<DrainReport> {
    const deadlineMs = performance.now() + timeoutMs;
    const lostBefore = this.#disk?.lost ?? 0;
    const inTime = await settlesWithin(this.#drained(), timeoutMs);
    if (inTime) {
      lastWords();
      const remainingMs = Math.max(deadlineMs - performance.now(), LAST_WORDS_MS);
      await settlesWithin(this.#drained(), remainingMs);
    }
    const error = this.lastError;
    this.#disk?.stop();
    const unsent = await this.#sender.stop();
    const lost = this.#disk?.keep(unsent) ?? unsent;
    for (const outbound of lost) outbound.listener.lost('abandoned', abandoned(error));
    // Nobody hears them but the disk: nothing is sent any more.
    if (!inTime && this.#disk !== undefined) lastWords();
    for (const waiter of this.#roomWaiters) waiter();
    const { onDiskOnly: spooled = 0, hasBacklog = false } = this.#disk ?? {};
    await this.#disk?.close();
    const left = lost.length + (this.#disk?.lost ?? 0) - lostBefore;
    const complete = left === 0 && !hasBacklog;
    const report = this.#report({ complete, left, spooled, error });
    if (!complete) {
      const { error: why, ...counts } = report;
      this.#logger.error(
        { ...counts, error: why },
        left === 0
          ? 'closed with events that wait on disk for the next start'
          : 'closed with events that were not delivered',
      );
    }
    return report;
  }

  #place(outbound: Outbound, handling: Handling): Placement {
    if (this.#disk !== undefined) return this.#disk.offer(outbound, handling);
    if (handling.durability === 'disk') this.#sayThatThereIsNoSpool(handling);
    return this.#sender.offer(outbound) ? 'accepted' : 'queue_full';
  }

  #sayThatThereIsNoSpool({ category }: Handling): void {
    if (this.#saidThatThereIsNoSpool) return;
    this.#saidThatThereIsNoSpool = true;
    this.#logger.warn(
      { category },
      'no spool.directory: events that belong on disk wait in memory, and die with the process',
    );
  }

  async #drained(): Promise<void> {
    await (this.#disk?.drained() ?? this.#sender.flushed());
  }

  #report({
    complete,
    left,
    spooled = 0,
    error = this.lastError,
  }: {
    complete: boolean;
    left: number;
    spooled?: number;
    error?: Error | undefined;
  }): DrainReport {
    const counts = spooled === 0 ? { complete, left } : { complete, left, spooled };
    return complete || error === undefined ? counts : { ...counts, error };
  }

  #onSettled(batch: readonly Outbound[]): void {
    this.#disk?.settled(batch);
    for (const waiter of this.#roomWaiters) waiter();
    if (this.#overflow.lasts && this.#sender.buffer.isRelaxed) this.#overflow.over();
  }
}

function transportOf({ transport, kafka, topic, compression }: CheckedDelivery): Transport {
  if (transport !== undefined) return transport;
  if (kafka === undefined) {
    throw new LedgerlineError('CONFIG_INVALID', 'kafka: say where Kafka is.', {
      hint: 'Pass kafka: { brokers: ["127.0.0.1:9092"] }.',
    });
  }
  return new KafkaTransport(kafka, topic, compression);
}

const abandoned = (cause: Error | undefined): LedgerlineError =>
  new LedgerlineError('CLOSED', 'The ledger closed before Kafka had the event.', {
    hint: 'It may have arrived all the same: say it again only under the same id.',
    cause,
  });
