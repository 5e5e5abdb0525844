import { LedgerlineError } from '../schemas/index.ts';
import { Backoff } from './backoff.ts';
import { OutboundBuffer, type BufferBounds } from './buffer.ts';
import type { BatchLimits, Lane } from './lane.ts';
import { partitionOf } from './murmur2.ts';
import { Episode } from './episode.ts';
import type { Outbound } from './outbound.ts';
import type { Transport } from './transport.ts';

interface SenderOptions {
  readonly transport: Transport;
  readonly bounds: BufferBounds;
  readonly limits: BatchLimits;
  readonly flushIntervalMs: number;
  /** Between rounds, lets the process end if it has nothing else to do. */
  readonly restsWhenIdle: boolean;
  /** Sending fails, after it worked. */
  readonly onTrouble: (error: Error) => void;
  /** Sending works, after it failed so often, and for so long. */
  readonly onRecovery: (failures: number, failedForMs: number) => void;
  /** The ends of these are known, and their room in the buffer is free. */
  readonly onSettled: (batch: readonly Outbound[]) => void;
}

/** So long may the next event of a service take that rests in between. */
const REST_AFTER_MS = 200;

interface FlushWaiter {
  readonly through: number;
  readonly resolve: () => void;
}

/**
 * Takes events from the buffer to the log: one send at a time, in rounds. A round sends, lane by
 * lane, what had come when it began; the next begins when a batch is full, when `flushIntervalMs`
 * have passed since the first new event, or at once when asked. So batches grow with the load, and
 * an idle service waits no longer than the interval. What fails is tried again for as long as the
 * sender lives.
 */
export class Sender {
  readonly buffer: OutboundBuffer;
  readonly #transport: Transport;
  readonly #options: SenderOptions;
  readonly #connection = new Backoff();
  readonly #waiters = new Set<FlushWaiter>();
  #dueAtMs = Infinity;
  #urgent = false;
  #sending = false;
  #stopped = false;
  #cancelTimer: (() => void) | undefined;
  #restTimer: NodeJS.Timeout | undefined;
  readonly #trouble: Episode;
  #lastError: Error | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#transport = options.transport;
    this.buffer = new OutboundBuffer(options.bounds);
    this.#trouble = new Episode({
      begins: () => this.#lastError && options.onTrouble(this.#lastError),
      over: options.onRecovery,
    });
  }

  /** Why the last attempt failed, while sending fails. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  hasRoomFor(bytes: number): boolean {
    return !this.#stopped && this.buffer.hasRoomFor(bytes);
  }

  /** Takes an event, if it has room. */
  offer(outbound: Outbound): boolean {
    if (!this.hasRoomFor(outbound.bytes)) return false;
    this.take(outbound);
    return true;
  }

  /** Takes an event for which the caller knows that there is room. */
  take(outbound: Outbound): void {
    const { buffer } = this;
    buffer.add(outbound);
    if (!this.#urgent && this.#hasFullBatch()) {
      this.urge();
    } else if (buffer.inboxEvents === 1) {
      this.#dueAtMs = performance.now() + this.#options.flushIntervalMs;
      this.#arm();
    }
  }

  /** Sends what is there without waiting for more than the current turn of the event loop brings. */
  urge(): void {
    this.#urgent = true;
    this.#arm();
  }

  /** Resolves when everything offered so far is settled. */
  flushed(): Promise<void> {
    const through = this.buffer.lastSerial;
    if (this.buffer.oldest > through) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.add({ through, resolve });
      this.urge();
    });
  }

  /** Sends nothing more and lets go of the transport; answers what was left. */
  async stop(): Promise<Outbound[]> {
    this.#stopped = true;
    this.#cancelTimer?.();
    clearTimeout(this.#restTimer);
    await this.#transport.close();
    const left = this.buffer.drain();
    this.#resolveWaiters();
    return left;
  }

  #hasFullBatch(): boolean {
    const { inboxEvents, inboxBytes } = this.buffer;
    const { maxEvents, maxBytes } = this.#options.limits;
    return inboxEvents >= maxEvents || inboxBytes >= maxBytes;
  }

  /** Sets the one timer to when the next round is due. */
  #arm(): void {
    if (this.#sending || this.#stopped) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const atMs = this.#nextRoundAtMs();
    if (atMs === Infinity) return;
    const delayMs = atMs - performance.now();
    const go = (): void => void this.#round();
    if (delayMs <= 0) {
      const immediate = setImmediate(go);
      this.#cancelTimer = () => clearImmediate(immediate);
    } else {
      const timeout = setTimeout(go, delayMs);
      if (this.#options.restsWhenIdle) timeout.unref();
      this.#cancelTimer = () => clearTimeout(timeout);
    }
  }

  #nextRoundAtMs(): number {
    let atMs = Infinity;
    if (this.buffer.inboxEvents > 0) atMs = this.#urgent ? 0 : this.#dueAtMs;
    for (const lane of this.buffer.lanes()) {
      if (lane.oldest !== Infinity) atMs = Math.min(atMs, lane.backoff.readyAtMs);
    }
    return Math.max(atMs, this.#connection.readyAtMs);
  }

  async #round(): Promise<void> {
    this.#sending = true;
    try {
      await this.#transport.connect();
      await this.#sendWhatCame();
    } catch (error) {
      this.#failed(this.#connection, error as Error);
    } finally {
      this.#sending = false;
      this.#urgent ||= this.#hasFullBatch();
      this.#arm();
    }
    if (this.#options.restsWhenIdle) this.#restSoon();
  }

  /** An open connection keeps a process alive that is done. */
  #restSoon(): void {
    clearTimeout(this.#restTimer);
    if (this.#stopped) return;
    this.#restTimer = setTimeout(() => void this.#rest(), REST_AFTER_MS);
  }

  async #rest(): Promise<void> {
    const goesOnSoon = this.#nextRoundAtMs() - performance.now() < REST_AFTER_MS;
    if (this.#sending || this.#stopped || goesOnSoon) return;
    this.#sending = true;
    await this.#transport.rest?.();
    this.#sending = false;
    this.#arm();
  }

  async #sendWhatCame(): Promise<void> {
    const { buffer } = this;
    const partitions = this.#transport.partitions;
    // Not before: what was asked for stays asked for while there is no connection.
    this.#urgent = false;
    buffer.route((key) => partitionOf(key, partitions));
    const through = buffer.lastSerial;
    if (!(await this.#sendTogether())) return;
    for (const lane of buffer.lanes()) {
      while (lane.oldest <= through && lane.backoff.readyAtMs <= performance.now()) {
        const goOn = await this.#send(lane);
        if (!goOn) return;
      }
    }
  }

  /**
   * What trickles in leaves in one round trip, whatever partitions it is for; as long as all goes
   * well, and all that waits is no more than one send may carry. Answers as {@link Sender.#send}.
   */
  async #sendTogether(): Promise<boolean> {
    const { buffer } = this;
    const { limits } = this.#options;
    if (this.#transport.sendTogether === undefined || this.#trouble.lasts) return true;
    if (buffer.events > limits.maxEvents || buffer.bytes > limits.maxBytes) return true;
    const lanes = [...buffer.lanes()].filter((lane) => lane.oldest !== Infinity);
    if (lanes.length < 2) return true;
    const attempts = lanes.map((lane) => ({ lane, messages: lane.attempt(limits) }));
    const outcome = await this.#transport.sendTogether(
      attempts.map(({ lane: { partition }, messages }) => ({ partition, messages })),
    );
    if (this.#stopped) return false;
    if (outcome.status === 'stored') {
      attempts.forEach(({ lane, messages }, index) =>
        this.#stored(lane, messages, outcome.baseOffsets[index] ?? -1),
      );
      return true;
    }
    // Some brokers may have taken their part; the client no longer knows under which numbers.
    buffer.flagAttempted();
    if (outcome.scope === 'partition') return true;
    this.#failed(this.#connection, outcome.error);
    return false;
  }

  /** One send. Answers whether others can still be expected to work. */
  async #send(lane: Lane): Promise<boolean> {
    const batch = lane.attempt(this.#options.limits);
    const outcome = await this.#transport.send(lane.partition, batch);
    // After stop() the batch was handed back as left: its end is no longer ours to tell.
    if (this.#stopped) return false;
    switch (outcome.status) {
      case 'stored':
        this.#stored(lane, batch, outcome.baseOffset);
        return true;
      case 'refused': {
        const [only] = batch;
        if (batch.length > 1 || only === undefined) {
          lane.split();
        } else {
          this.#settle(lane, batch);
          const tooLarge =
            outcome.error instanceof LedgerlineError && outcome.error.code === 'EVENT_TOO_LARGE';
          if (tooLarge) only.listener.lost('too_large', outcome.error);
          else only.listener.lost('refused', refusedByKafka(outcome.error));
        }
        return true;
      }
      case 'no_such_partition':
        this.buffer.flagAttempted();
        this.buffer.unroute();
        this.#urgent = true;
        this.#failed(this.#connection, new Error('the topic has fewer partitions than before'));
        return false;
      case 'failed':
        if (!outcome.repeatable) this.buffer.flagAttempted();
        if (outcome.scope === 'connection') {
          this.#failed(this.#connection, outcome.error);
          return false;
        }
        this.#failed(lane.backoff, outcome.error);
        return true;
    }
  }

  #stored(lane: Lane, batch: readonly Outbound[], baseOffset: number): void {
    this.#settle(lane, batch);
    batch.forEach((outbound, index) => {
      outbound.listener.stored(lane.partition, baseOffset < 0 ? -1 : baseOffset + index);
    });
    lane.backoff.succeeded();
    this.#connection.succeeded();
    this.#worked();
  }

  #settle(lane: Lane, batch: readonly Outbound[]): void {
    lane.settle();
    this.buffer.release(batch);
    this.#options.onSettled(batch);
    this.#resolveWaiters();
  }

  #resolveWaiters(): void {
    if (this.#waiters.size === 0) return;
    const { oldest } = this.buffer;
    for (const waiter of this.#waiters) {
      if (waiter.through >= oldest) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #failed(what: Backoff, error: Error): void {
    if (this.#stopped) return;
    what.failed(performance.now());
    this.#lastError = error;
    this.#trouble.met();
  }

  #worked(): void {
    if (!this.#trouble.lasts) return;
    for (const lane of this.buffer.lanes()) if (lane.backoff.failing) return;
    this.#lastError = undefined;
    this.#trouble.over();
  }
}

const refusedByKafka = (cause: Error): LedgerlineError =>
  new LedgerlineError('KAFKA_REFUSED', `Kafka will not take this event: ${cause.message}`, {
    hint: 'See https://kafka.apache.org/protocol#protocol_error_codes, and the log of the broker.',
    cause,
  });
