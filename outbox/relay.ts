import {
  openPublisher,
  type DeliveryOptions,
  type Logger,
  type Publisher,
} from '../producers/index.ts';
import { LedgerlineError } from '../schemas/index.ts';
import { publishBatch } from './batch.ts';
import { RelayBackoff } from './backoff.ts';
import { checkOutbox } from './migrate.ts';
import { checkPace, MAX_BATCH_BYTES, OUTBOX_DEFAULTS, type RelayPace } from './options.ts';
import { openSession, type Session } from './postgres.ts';
import { OutboxStore, type Settled } from './store.ts';
import { firstOf, wait } from './wait.ts';

/** First contact with Kafka, after PostgreSQL's. */
const CONTACT_TIMEOUT_MS = 4_000;
/** A waiting relay says something this often: well within what the server takes for dead. */
const HEARTBEAT_MS = 5_000;
/** A commit that did not ring is under way: it is seen as soon as it is done. */
const BELL_RETRY_MS = 10;

export interface RelayOptions {
  /** `postgres://user:password@host:5432/database`: a direct connection, since locks live on it. */
  readonly url: string;
  /** `public`. */
  readonly schema?: string | undefined;
  readonly kafka: NonNullable<DeliveryOptions['kafka']>;
  /** `audit.events`. */
  readonly topic?: string | undefined;
  /** `none`, `gzip`, `lz4` or `zstd`; `none`. */
  readonly compression?: DeliveryOptions['compression'];
  /** Rows published together; 500, and 8 MiB at most. */
  readonly batchRows?: number | undefined;
  /** How long nothing is looked at when nothing is announced, in milliseconds; 1,000. */
  readonly pollMs?: number | undefined;
  /** How long `stop` waits for what is on its way to Kafka, in milliseconds; 10,000. */
  readonly drainTimeoutMs?: number | undefined;
  readonly logger: Logger;
}

export interface RelayStats {
  readonly state: 'connecting' | 'standby' | 'leading' | 'stopped';
  /** By this relay, since it was started. */
  readonly published: number;
  readonly rejected: number;
}

export interface Relay {
  stats(): RelayStats;
  /** Takes no more, finishes what is on its way, lets go. What is left stays in the outbox. Memoised. */
  stop(): Promise<void>;
  /** Settles when the relay has stopped. */
  readonly done: Promise<void>;
}

/**
 * Starts to publish what is in the outbox, in the order of commits. Any number of relays may run: one
 * publishes, the others stand by. Once started it never gives up: a PostgreSQL or Kafka that goes away
 * is waited for, and told once in the log.
 *
 * @throws LedgerlineError CONFIG_INVALID; where the first contact fails: POSTGRES_UNREACHABLE,
 *   POSTGRES_REFUSED, TABLE_UNFIT, KAFKA_UNREACHABLE, KAFKA_REFUSED
 * @example
 * const relay = await startRelay({ url: process.env.DATABASE_URL, kafka: { brokers: ['127.0.0.1:9092'] }, logger });
 * process.once('SIGTERM', () => void relay.stop());
 * await relay.done;
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { kafka, topic, compression, logger, schema = OUTBOX_DEFAULTS.schema } = options;
  const pace = checkPace(options);
  const session = await openSession(options.url);
  try {
    await checkOutbox(session, schema);
    const publisher = await openWithin(CONTACT_TIMEOUT_MS, {
      kafka: { clientId: 'ledgerline-outbox', ...kafka },
      topic,
      compression,
      flushIntervalMs: 0,
      // Room for a batch, always: rows are put into it without waiting, and so in their order.
      buffer: { maxEvents: 20_000, maxBytes: 8 * MAX_BATCH_BYTES },
      logger,
    });
    return new OutboxRelay(options, pace, publisher, session);
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** A broker that accepts connections and never answers is no reason to wait longer. */
async function openWithin(timeoutMs: number, options: DeliveryOptions): Promise<Publisher> {
  const opening = openPublisher(options);
  const publisher = await firstOf(opening, timeoutMs);
  if (publisher !== undefined) return publisher;
  opening.then(
    (late) => late.close({ timeoutMs: 0 }),
    () => undefined,
  );
  throw new LedgerlineError(
    'KAFKA_UNREACHABLE',
    `Kafka does not answer at ${options.kafka?.brokers.join(', ')}: no answer within ${timeoutMs} ms.`,
    { hint: 'Start it, or set LEDGERLINE_KAFKA_BROKERS to where it listens.' },
  );
}

class OutboxRelay implements Relay {
  readonly done: Promise<void>;
  readonly #options: RelayOptions;
  readonly #publisher: Publisher;
  readonly #schema: string;
  readonly #pace: RelayPace;
  readonly #stopping = new AbortController();
  readonly #backoff = new RelayBackoff();
  #state: RelayStats['state'] = 'connecting';
  #published = 0;
  #rejected = 0;
  /** On its way to Kafka. Outlives a lost session: what Kafka has is then taken out by the next. */
  #batch: Promise<Settled> | undefined;

  constructor(options: RelayOptions, pace: RelayPace, publisher: Publisher, first: Session) {
    this.#options = options;
    this.#pace = pace;
    this.#publisher = publisher;
    this.#schema = options.schema ?? OUTBOX_DEFAULTS.schema;
    this.done = this.#run(first);
  }

  stats(): RelayStats {
    return { state: this.#state, published: this.#published, rejected: this.#rejected };
  }

  async stop(): Promise<void> {
    if (!this.#stopping.signal.aborted) {
      this.#stopping.abort();
      await this.#publisher.close({ timeoutMs: this.#pace.drainTimeoutMs });
    }
    await this.done;
  }

  async #run(first: Session): Promise<void> {
    const { signal } = this.#stopping;
    let next: Session | undefined = first;
    while (next !== undefined || !signal.aborted) {
      let session: Session | undefined;
      try {
        session = next ?? (await openSession(this.#options.url));
        next = undefined;
        await this.#serve(new OutboxStore(session, this.#schema), session);
      } catch (error) {
        this.#troubled(error);
      } finally {
        await session?.close();
      }
      if (!signal.aborted) {
        this.#state = 'connecting';
        await wait(this.#backoff.nextMs(), signal);
      }
    }
    this.#state = 'stopped';
    this.#options.logger.info(this.stats(), 'the relay has stopped');
  }

  /** For as long as the session lasts: stands by, then publishes. Returns when asked to stop. */
  async #serve(store: OutboxStore, session: Session): Promise<void> {
    const { signal } = this.#stopping;
    await store.attend();
    while (!(await store.lead())) {
      if (this.#state !== 'standby') {
        this.#state = 'standby';
        this.#recovered();
        this.#options.logger.info({}, 'another relay publishes; standing by');
      }
      await wait(this.#pace.pollMs, signal);
      if (signal.aborted) return;
    }
    this.#state = 'leading';
    this.#recovered();
    this.#options.logger.info({}, 'publishing');
    for (;;) {
      if (this.#batch === undefined) {
        if (signal.aborted) return;
        const rows = await store.read(this.#pace.batchRows, MAX_BATCH_BYTES);
        if (rows.length === 0) {
          await this.#idle(store, session);
          continue;
        }
        this.#batch = publishBatch(this.#publisher, rows);
      }
      await this.#conclude(store, await this.#settled(store, this.#batch));
    }
  }

  /** Kafka's answer, however long it takes; meanwhile the session is kept alive, and seen to be. */
  async #settled(store: OutboxStore, batch: Promise<Settled>): Promise<Settled> {
    for (;;) {
      const settled = await firstOf(batch, HEARTBEAT_MS);
      if (settled !== undefined) return settled;
      await store.heartbeat();
    }
  }

  async #conclude(store: OutboxStore, settled: Settled): Promise<void> {
    await store.conclude(settled);
    this.#batch = undefined;
    this.#published += settled.published.length;
    this.#rejected += settled.rejected.length;
    if (settled.rejected.length > 0) {
      const reasons = [...new Set(settled.rejected.map(({ reason }) => reason))];
      this.#options.logger.error(
        { rejected: settled.rejected.length, reasons },
        'events were set aside: see "ledgerline outbox rejected"',
      );
    }
  }

  /**
   * Sleeps until there is work. Holding the bell makes writers ring, so the order is: hold it, look
   * once more, sleep. Who committed before it was held, is seen; who commits after, rings.
   */
  async #idle(store: OutboxStore, session: Session): Promise<void> {
    const { signal } = this.#stopping;
    if (!(await store.holdBell())) {
      await wait(BELL_RETRY_MS, signal);
      return;
    }
    while (!signal.aborted && !(await store.hasWork())) {
      await session.notified(this.#pace.pollMs, signal);
    }
    await store.dropBell();
  }

  #troubled(error: unknown): void {
    if (this.#backoff.failed() && !this.#stopping.signal.aborted) {
      this.#options.logger.warn(
        { error },
        'the outbox cannot be reached; events wait in it, and it is tried again',
      );
    }
  }

  #recovered(): void {
    const failedForMs = this.#backoff.succeeded();
    if (failedForMs !== undefined) {
      this.#options.logger.info({ failedForMs }, 'the outbox is reached again');
    }
  }
}
