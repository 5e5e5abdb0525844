/**
 * A worker: one member of the group, a state machine for each partition it owns, and their common
 * memory. Starts in order, stops in reverse, both once.
 */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { openClickHouse } from '../clickhouse/client.ts';
import type { ClickHouse } from '../clickhouse/index.ts';
import { backoffMs, pause } from './backoff.ts';
import { batchErrorOf } from './batch-errors.ts';
import { ChunkPool } from './chunk-pool.ts';
import { ClockWatch } from './clock-watch.ts';
import { beforeDeadline } from './deadline.ts';
import type { WorkerConfig } from './config.ts';
import { Leaving, type Session } from './fence.ts';
import { type AssignedPartition, GroupMember, type GroupOptions } from './group-member.ts';
import { flushAgeMs } from './flush-age.ts';
import { type Health, type HealthOptions, openHealth } from './health/health.ts';
import { observedClickHouse } from './health/observed-clickhouse.ts';
import { WorkerMetrics } from './health/worker-metrics.ts';
import { explainKafka, isRefusal } from './kafka-errors.ts';
import { describeTopic } from './topic.ts';
import { LedgerSink } from './ledger-sink.ts';
import type { Halt } from './partition.ts';
import { PartitionRunner } from './partition-runner.ts';
import { Fenced, Misconfigured } from './patience.ts';
import { checkDeadLetterTopic } from './quarantine/dead-letter-topic.ts';
import { DeadLetters } from './quarantine/dead-letters.ts';
import { mayFetch } from './may-fetch.ts';
import { type Counters, newCounters, type RunnerContext } from './runner-context.ts';
import { checkLedger, checkTopic } from './preflight.ts';
import { ExpiryClock } from './expiry-clock.ts';
import { Slots } from './slots.ts';
import { FencedByRebuild } from './start-position.ts';
import { takeOver } from './takeover.ts';
import { WorkerError } from './worker-error.ts';

export interface Worker {
  /** Counts since the start; a copy. */
  stats(): Counters;
  /**
   * Finishes the batches in hand, leaves the group, closes the connections. What does not end within
   * `drainTimeoutMs` is left to the partition's next owner. Safe to call twice.
   */
  stop(): Promise<void>;
  /** Settles when the worker has stopped: rejects with a WorkerError when it stopped by itself. */
  readonly done: Promise<void>;
}

/** How long the first contact with Kafka or ClickHouse may take. */
const START_DEADLINE_MS = 6_500;
const TICK_MS = 50;
/** Heartbeats may be late by so much, whatever the session. */
const SET_BACK_MS = 1_000;
/** Smaller than kafkajs's own: a fetch becomes objects all at once, and they cost more memory than its bytes. */
const FETCH_BYTES_PER_PARTITION = 512 * 1024;
const FETCH_BYTES = 2 * 1024 * 1024;

/**
 * Starts a worker and resolves once the group has given it partitions, or none; it takes them over by itself,
 * however long ClickHouse is waited for. With `config.http` it serves /healthz, /readyz and /metrics until it has
 * stopped.
 *
 * @param version shown by the metrics
 * @param sinkOf where it stores; a rebuild stores into another table
 * @throws WorkerError, ClickHouseUnreachable, … when a part is missing or unfit; nothing runs then
 * @example
 * const worker = await startWorker(workerConfig(process.env), pino());
 * process.once('SIGTERM', () => void worker.stop());
 * await worker.done;
 */
export async function startWorker(
  config: WorkerConfig,
  log: Logger,
  version = 'unknown',
  sinkOf: (clickhouse: ClickHouse) => LedgerSink = (clickhouse) => new LedgerSink(clickhouse),
): Promise<Worker> {
  const metrics = new WorkerMetrics();
  const plain = openClickHouse({
    ...config.clickhouse,
    application: 'ledgerline-worker',
    requestTimeoutMs: config.insertTimeoutMs,
  });
  const clickhouse = config.http ? observedClickHouse(plain, metrics.inserted) : plain;
  try {
    const kafka = groupOptions(config);
    const [topic] = await Promise.all([
      // The group is met at the join, which waits for its coordinator as long as it takes.
      describeTopic(kafka, START_DEADLINE_MS, false),
      checkLedger(clickhouse, START_DEADLINE_MS),
      warnOfDeadLetters(config, kafka, log),
    ]);
    checkTopic(topic, config.kafka.topic);
    const worker = new RunningWorker(
      config,
      kafka,
      clickhouse,
      sinkOf(clickhouse),
      log,
      topic.partitions.length,
    );
    if (config.http) {
      await worker.serve({ where: config.http, kafka, clickhouse, metrics, log, version });
    }
    await worker.start();
    return worker;
  } catch (error) {
    await clickhouse.close();
    throw error;
  }
}

/** The copies are a courtesy: a worker that cannot make them starts all the same. */
async function warnOfDeadLetters(
  { deadLetterTopic }: WorkerConfig,
  kafka: GroupOptions,
  log: Logger,
): Promise<void> {
  if (deadLetterTopic === undefined) return;
  try {
    await checkDeadLetterTopic(kafka, deadLetterTopic, START_DEADLINE_MS);
  } catch (error) {
    const { message, hint } = explainKafka(error, kafka);
    log.warn({ code: 'DEAD_LETTERS_NOT_SENT', deadLetterTopic, hint }, message);
  }
}

function groupOptions(config: WorkerConfig): GroupOptions {
  return {
    ...config.kafka,
    clientId: `ledgerline-worker-${hostname()}-${process.pid}`,
    connectionTimeoutMs: 3_000,
    requestTimeoutMs: 15_000,
    sessionTimeoutMs: config.sessionTimeoutMs,
    heartbeatIntervalMs: Math.floor(config.sessionTimeoutMs / 6),
    rebalanceTimeoutMs: Math.max(30_000, config.sessionTimeoutMs * 2),
    // Heartbeats go out between fetches, so a fetch must be short beside the session.
    maxWaitMs: 200,
    maxBytesPerPartition: FETCH_BYTES_PER_PARTITION,
    maxBytes: FETCH_BYTES,
  };
}

class RunningWorker implements Worker {
  readonly done: Promise<void>;
  readonly #config: WorkerConfig;
  readonly #kafka: GroupOptions;
  readonly #clickhouse: ClickHouse;
  readonly #log: Logger;
  readonly #sink: LedgerSink;
  readonly #deadLetters: DeadLetters | undefined;
  readonly #expiry: ExpiryClock;
  readonly #pool: ChunkPool;
  readonly #slots: Slots;
  readonly #stopping = new AbortController();
  readonly #counters = newCounters();
  readonly #clock = new ClockWatch();
  /** Of the topic, when this worker started. */
  readonly #partitions: number;
  #flushAgeMs: number;
  /** What an earlier one still says is not heard. */
  #member: GroupMember | undefined;
  /** Why it cannot take partitions over is on the log. */
  #toldWhy = false;
  /** The newest of them is the one that goes on. */
  #rejoins = 0;
  /** Settled by the first assignment: whatever the partitions wait for, the worker has started. */
  #hasAssignment: () => void = () => undefined;
  readonly #assigned = new Promise<void>((resolve) => {
    this.#hasAssignment = resolve;
  });
  /** Aborted when the takeover under way, if any, is of no use any more. */
  #takingOver = new AbortController();
  /** In the current generation, though perhaps without a partition. */
  #joined = false;
  #health: Health | undefined;
  #runners = new Map<number, PartitionRunner>();
  /** Partitions that may not fetch just now. */
  readonly #paused = new Set<number>();
  /** Bytes at which a batch is full: a few of them fit into the buffer. */
  readonly #batchBytes: number;
  #tick: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;
  #fatal: WorkerError | undefined;
  #settle: { resolve: () => void; reject: (error: Error) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };

  constructor(
    config: WorkerConfig,
    kafka: GroupOptions,
    clickhouse: ClickHouse,
    sink: LedgerSink,
    log: Logger,
    partitions: number,
  ) {
    this.#config = config;
    this.#partitions = partitions;
    this.#flushAgeMs = config.batch.maxAgeMs;
    this.#kafka = kafka;
    this.#clickhouse = clickhouse;
    this.#log = log;
    this.#sink = sink;
    if (config.deadLetterTopic !== undefined) {
      this.#deadLetters = new DeadLetters(kafka, config.deadLetterTopic, log, this.#counters);
    }
    this.#expiry = new ExpiryClock(clickhouse, this.#sink);
    this.#pool = new ChunkPool(config.bufferBytes);
    this.#slots = new Slots(config.concurrentInserts);
    this.#batchBytes = Math.min(config.batch.maxBytes, Math.floor(config.bufferBytes / 4));
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever does not look at `done` must not be ended by it.
    this.done.catch(() => undefined);
  }

  stats(): Counters {
    return { ...this.#counters, quarantinedBy: { ...this.#counters.quarantinedBy } };
  }

  /** Shows itself over HTTP until it has stopped. */
  async serve(options: HealthOptions): Promise<void> {
    this.#health = await openHealth(options, {
      counters: () => this.#counters,
      partitions: () => [...this.#runners.values()].map(({ figures }) => figures),
      pausedPartitions: () => this.#paused.size,
      bufferLimitBytes: this.#config.bufferBytes,
      joined: () => this.#joined,
      stopping: () => this.#stopping.signal.aborted,
      halted: () => this.#fatal?.code,
    });
  }

  async start(): Promise<void> {
    try {
      await this.#expiry.refresh();
      const joined = this.#join().catch((error: unknown) => {
        throw explainKafka(error, this.#kafka);
      });
      await Promise.race([joined, this.#assigned]);
      joined.catch((error: Error) => this.#crashed(error, false));
    } catch (error) {
      await this.#health?.close();
      throw error;
    }
    if (this.#stopping.signal.aborted) return;
    this.#tick = setInterval(() => {
      this.#flushAgeMs = this.#ageOfBatches(performance.now());
      for (const runner of this.#runners.values()) runner.wake();
      this.#expiry.refreshWhenStale();
      const backMs = this.#clock.setBackMs();
      if (backMs > SET_BACK_MS) void this.#joinAnew(backMs);
    }, TICK_MS);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#log.info({ code: 'DRAINING' }, 'draining');
    this.#stopping.abort();
    this.#steer();
    await this.#drain(this.#config.drainTimeoutMs);
    clearInterval(this.#tick);
    const member = this.#member;
    this.#member = undefined;
    this.#endAll();
    if (member) await within(member.stop(), 5_000);
    if (this.#deadLetters) await within(this.#deadLetters.close(), 5_000);
    await within(this.#clickhouse.close(), 5_000);
    if (this.#health) await within(this.#health.close(), 5_000);
    this.#log.info({ code: 'STOPPED', ...this.#counters }, 'stopped');
    if (this.#fatal) this.#settle.reject(this.#fatal);
    else this.#settle.resolve();
  }

  /** Stops by itself: going on could lose or double events, or is of no use. */
  #halt(error: WorkerError): void {
    if (this.#fatal || this.#stopped) return;
    this.#fatal = error;
    this.#log.fatal({ code: error.code, hint: error.hint }, error.message);
    void this.stop();
  }

  // -- the group -------------------------------------------------------------------------------

  async #join(): Promise<void> {
    const current = (): boolean => this.#member === member;
    const taking = (): boolean => current() && !this.#stopping.signal.aborted;
    const member = new GroupMember(this.#kafka, {
      beforeJoin: async () => {
        if (current()) await this.#leaveGeneration();
        if (!taking()) throw new Leaving();
      },
      assigned: (session, topicId, partitions, lost) =>
        taking()
          ? this.#takeOver(session, topicId, partitions, lost)
          : Promise.reject(new Leaving()),
      unanswered: (error) => {
        if (taking()) this.#unanswered(error);
      },
      messages: (partition, fetchedOffset, lastOffset, messages, high) =>
        this.#runners.get(partition)?.receive(fetchedOffset, lastOffset, messages, high),
      skipped: (partition, lastOffset) => this.#runners.get(partition)?.skip(lastOffset),
      crashed: (error, restarts) => {
        if (current()) this.#crashed(error, restarts);
      },
    });
    this.#member = member;
    try {
      await member.start();
    } catch (error) {
      await within(member.stop(), 5_000);
      throw error;
    }
  }

  /** Before each join: finish what can be finished soon, then let go of everything. */
  async #leaveGeneration(): Promise<void> {
    await this.#drain(Math.min(this.#config.drainTimeoutMs, this.#config.sessionTimeoutMs / 2));
    this.#endAll();
  }

  async #drain(timeoutMs: number): Promise<void> {
    const drained = Promise.all([...this.#runners.values()].map((runner) => runner.drain()));
    await within(drained, timeoutMs);
  }

  #endAll(): void {
    this.#joined = false;
    this.#takingOver.abort();
    for (const runner of this.#runners.values()) runner.end();
    this.#runners.clear();
    // Whatever is assigned next is resumed when the group is joined.
    this.#paused.clear();
  }

  async #takeOver(
    session: Session,
    topicId: string,
    partitions: readonly AssignedPartition[],
    lost: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    this.#endAll();
    const ended = new AbortController();
    this.#takingOver = ended;
    this.#hasAssignment();
    const context = this.#context();
    const { topic } = this.#config.kafka;
    const starts = await takeOver(
      {
        topic,
        topicId,
        acceptLoss: this.#config.acceptLoss,
        clickhouse: this.#clickhouse,
        sink: this.#sink,
        context,
        over: AbortSignal.any([lost, ended.signal]),
      },
      partitions,
    ).catch((error: unknown) => {
      if (error instanceof FencedByRebuild) {
        this.#toldWhy = true;
        this.#log.warn({ code: 'FENCED_BY_REBUILD' }, error.message);
      }
      const fault = takeoverFault(error);
      if (fault) this.#halt(fault);
      throw fault || ended.signal.aborted ? new Leaving() : error;
    });
    if (ended.signal.aborted) throw new Leaving();
    this.#toldWhy = false;
    const from = new Map<number, number>();
    for (const [{ partition, high }, start] of starts) {
      const origin = { topic, topicId, partition };
      this.#runners.set(partition, new PartitionRunner(context, session, origin, start, high));
      from.set(partition, start.from);
    }
    this.#joined = true;
    this.#counters.rebalances++;
    this.#log.info(
      {
        code: 'JOINED',
        generation: session.generationId,
        partitions: Object.fromEntries(from),
      },
      'joined the group',
    );
    return from;
  }

  #context(): RunnerContext {
    const { batch, maxMessageBytes, insertTimeoutMs, leaseMs } = this.#config;
    return {
      pool: this.#pool,
      slots: this.#slots,
      sink: this.#sink,
      log: this.#log,
      counters: this.#counters,
      deadLetters: this.#deadLetters,
      limits: {
        maxRows: batch.maxRows,
        maxBytes: this.#batchBytes,
        maxMessageBytes,
        insertTimeoutMs,
        leaseMs,
      },
      flushAgeMs: () => this.#flushAgeMs,
      engineNow: () => this.#expiry.now(),
      askClock: () => this.#expiry.refresh(),
      expiry: () => this.#expiry.expiry(),
      commit: (session, partition, offset, metadata, check) => {
        if (!this.#member) throw new Error('Not in the group yet');
        return this.#member.commit(session, partition, offset, metadata, check);
      },
      holdingsChanged: () => this.#steer(),
      halted: (partition, halt) => this.#halt(haltError(partition, halt)),
      broken: (partition, error) => this.#halt(brokenError(partition, error)),
    };
  }

  #ageOfBatches(nowMs: number): number {
    const { batch, bufferBytes } = this.#config;
    let busy = 0;
    let heldBytes = 0;
    for (const { holding, lastReceivedAt } of this.#runners.values()) {
      heldBytes += holding.heldBytes;
      if (holding.heldBytes > 0 || nowMs - lastReceivedAt < batch.stretchedAgeMs) busy++;
    }
    const owned = this.#runners.size;
    return flushAgeMs(
      { busy, owned, partitions: this.#partitions, heldBytes, bufferBytes },
      {
        minMs: batch.maxAgeMs,
        maxMs: batch.stretchedAgeMs,
        insertsPerMinute: batch.insertsPerMinute,
      },
    );
  }

  /** Pauses and resumes partitions so that what is held stays within the buffer. */
  #steer(): void {
    const holdings = [...this.#runners.values()].map(({ holding }) => holding);
    const allowed = this.#stopping.signal.aborted
      ? new Set<number>()
      : mayFetch(holdings, {
          bufferBytes: this.#config.bufferBytes,
          batchBytes: this.#batchBytes,
        });
    for (const { partition } of holdings) {
      const isPaused = this.#paused.has(partition);
      if (allowed.has(partition) && isPaused) {
        this.#paused.delete(partition);
        this.#member?.resume(partition);
      } else if (!allowed.has(partition) && !isPaused) {
        this.#paused.add(partition);
        this.#member?.pause(partition);
      }
    }
  }

  #crashed(error: Error, restarts: boolean): void {
    this.#endAll();
    if (this.#stopping.signal.aborted) return;
    const unreadable = batchErrorOf(error);
    if (unreadable) {
      this.#halt(unreadable);
      return;
    }
    // Trying again would not help, and might lock the account.
    if (isRefusal(error)) {
      this.#halt(explainKafka(error, this.#kafka));
      return;
    }
    if (!this.#toldWhy) this.#reconnecting(error, restarts);
    this.#toldWhy = false;
    if (!restarts) void this.#rejoin();
  }

  /** Kafka has not answered while partitions were taken over. */
  #unanswered(error: Error): void {
    if (isRefusal(error)) {
      this.#halt(explainKafka(error, this.#kafka));
      return;
    }
    this.#toldWhy = true;
    this.#reconnecting(error, true);
  }

  #reconnecting(error: Error, restarts: boolean): void {
    this.#log.warn(
      { code: 'KAFKA_RECONNECTING', error: explainKafka(error, this.#kafka).message, restarts },
      'the connection to Kafka broke; joining again',
    );
  }

  /** kafkajs would send no heartbeat, nor notice that it is out of the group, until the clock has caught up. */
  async #joinAnew(backMs: number): Promise<void> {
    this.#log.warn(
      { code: 'CLOCK_SET_BACK', backMs: Math.round(backMs) },
      "this machine's clock was set back; joining the group anew",
    );
    await this.#rejoin();
  }

  /** With a new member, until it has joined. */
  async #rejoin(): Promise<void> {
    const turn = ++this.#rejoins;
    const over = (): boolean => this.#stopping.signal.aborted || turn !== this.#rejoins;
    const former = this.#member;
    this.#member = undefined;
    this.#endAll();
    if (former) await within(former.stop(), 5_000);
    for (let attempt = 0; !over(); attempt++) {
      await pause(backoffMs(attempt), this.#stopping.signal);
      if (over()) return;
      try {
        await this.#join();
        return;
      } catch (error) {
        if (isRefusal(error)) {
          this.#halt(explainKafka(error, this.#kafka));
          return;
        }
        this.#log.debug({ code: 'JOIN_FAILED', error: (error as Error).message }, 'joining failed');
      }
    }
  }
}

function haltError(partition: number, halt: Halt): WorkerError {
  if (halt.code === 'CONFIGURATION') {
    return unfitTable(`Partition ${partition}: ${halt.message} (${halt.code})`, halt.hint);
  }
  return new WorkerError(
    'DELIVERY_HALTED',
    `Partition ${partition}: ${halt.message} (${halt.code})`,
    {
      hint: 'Nothing was committed past this point: see docs/delivery.md, "When a worker stops by itself".',
    },
  );
}

const unfitTable = (message: string, hint = 'see docs/delivery.md'): WorkerError =>
  new WorkerError('TABLE_UNFIT', message, {
    hint: `${hint}; then start the worker again, which loses nothing`,
  });

/** Why the worker stops by itself; `undefined` where it joins again. */
function takeoverFault(error: unknown): WorkerError | undefined {
  if (error instanceof Fenced || error instanceof FencedByRebuild) return undefined;
  if (error instanceof WorkerError) return error;
  if (error instanceof Misconfigured) {
    return unfitTable(`Taking partitions over: ${error.message} (CONFIGURATION)`, error.hint);
  }
  return ourFault('Taking partitions over', error);
}

function brokenError(partition: number, error: Error): WorkerError {
  if (error instanceof WorkerError) return error;
  return ourFault(`Partition ${partition}`, error);
}

const ourFault = (what: string, error: unknown): WorkerError =>
  new WorkerError(
    'DELIVERY_HALTED',
    `${what} stopped at a fault of the worker: ${error instanceof Error ? error.message : String(error)}`,
    { hint: 'Please report it with the stack trace of the log.', cause: error },
  );

/** Waits for `work`, but no longer than `ms`; its failure, or its lateness, is not ours. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  await beforeDeadline(work, ms).catch(() => undefined);
}
