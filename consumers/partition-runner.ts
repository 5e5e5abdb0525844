/**
 * Drives the state machine of one partition for as long as one session owns it: does what the state
 * asks, answers how it went. When the session is over it stops in the middle; whoever owns the
 * partition next goes on from the intent.
 */
import { Backlog, type Batch, type ConsumedMessage, type Row, valueOf } from './backlog.ts';
import { pause } from './backoff.ts';
import { classify, type Failure } from './failure.ts';
import type { Session } from './fence.ts';
import { deadLetterOf } from './quarantine/dead-letters.ts';
import { encodeIdle, encodeIntent, fitsMetadata } from './intent.ts';
import { type Expiry, judge } from './judge.ts';
import {
  advance,
  type BatchFacts,
  intentOf,
  opening,
  type Outcome,
  type State,
  triedAlone,
} from './partition.ts';
import type { Holding } from './may-fetch.ts';
import { Fenced, Misconfigured, Patience } from './patience.ts';
import { framingRejection, quarantinedMessage, type Rejection } from './quarantine.ts';
import { findRepeats, findStored, REPEAT } from './repeats.ts';
import type { PartitionFigures, RunnerContext } from './runner-context.ts';
import type { Origin } from './splice.ts';
import type { StartPosition } from './start-position.ts';

export class PartitionRunner {
  readonly partition: number;
  readonly #context: RunnerContext;
  readonly #origin: Origin;
  readonly #session: Session;
  readonly #backlog: Backlog;
  readonly #over = new AbortController();
  readonly #patience: Patience;
  #state: State;
  #batch: Batch | undefined;
  readonly #rejections = new Map<number, Rejection>();
  readonly #mended = new Map<number, Buffer>();
  /** After an insert that was too large: how many rows the next may have; grows with each that is stored. */
  #rowsTaken = Number.MAX_SAFE_INTEGER;
  /** Until when the engine may take an insert, by its own clock. */
  #leaseEndsMs = 0;
  /** Until when the engine may take what is under way of an earlier owner, or ended unclearly. */
  #othersEndMs = 0;
  #draining = false;
  #running: Promise<void> | undefined;
  #committed: number;
  #high: number;
  #lastReceivedAt = Number.NEGATIVE_INFINITY;

  /** @param high the offset that the next message will get, as the broker says at the assignment */
  constructor(
    context: RunnerContext,
    session: Session,
    origin: Origin,
    { from, intent, accusations }: StartPosition,
    high: number,
  ) {
    this.#committed = from;
    this.#high = high;
    this.#context = context;
    this.#session = session;
    this.#origin = origin;
    this.partition = origin.partition;
    this.#backlog = new Backlog(context.pool, from, context.limits.maxMessageBytes);
    this.#patience = new Patience(origin.partition, context, this.#over.signal);
    this.#state = opening(origin.topicId, intent, accusations);
    if (!intent) return;
    context.counters.recoveries++;
    this.#othersEndMs = context.engineNow() + context.limits.leaseMs;
  }

  get holding(): Holding {
    const { heldBytes, bytes: waitingBytes } = this.#backlog;
    const mustFetch =
      'intent' in this.#state &&
      this.#state.intent !== null &&
      this.#backlog.next <= this.#state.intent.last;
    return { partition: this.partition, heldBytes, waitingBytes, mustFetch };
  }

  get figures(): PartitionFigures {
    const committed = this.#committed;
    const high = Math.max(this.#high, this.#backlog.next);
    return {
      partition: this.partition,
      at: this.#state.at,
      committed,
      high,
      lag: high - committed,
      oldestMs: this.#batch?.rows[0]?.timestamp ?? this.#backlog.oldest?.timestamp,
      heldBytes: this.#backlog.heldBytes,
      outageSince: this.#patience.outageSince,
    };
  }

  /** When the newest message came, by `performance.now()`; minus infinity before the first. */
  get lastReceivedAt(): number {
    return this.#lastReceivedAt;
  }

  /** Messages of one fetch; answers the offset that was expected when they are not next. */
  receive(
    fetchedOffset: number,
    lastOffset: number,
    messages: readonly ConsumedMessage[],
    high: number,
  ): number | undefined {
    if (this.#over.signal.aborted) return undefined;
    this.#high = high;
    if (fetchedOffset !== this.#backlog.next) return this.#backlog.next;
    this.#lastReceivedAt = performance.now();
    this.#backlog.append(messages, lastOffset, this.#lastReceivedAt);
    this.#context.holdingsChanged();
    this.wake();
    return undefined;
  }

  /** Offsets up to `lastOffset` held nothing but control or aborted records. */
  skip(lastOffset: number): void {
    if (!this.#over.signal.aborted && lastOffset >= this.#backlog.next) {
      this.#backlog.append([], lastOffset, performance.now());
    }
  }

  /** Goes on if there is something to do; called on messages and by the worker's clock. */
  wake(): void {
    if (this.#running || this.#over.signal.aborted) return;
    this.#running = this.#run()
      .catch((error: unknown) => {
        this.#over.abort();
        this.#context.broken(
          this.partition,
          error instanceof Error ? error : new Error(String(error)),
        );
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Starts no further batch; resolves when the one in hand is committed, or the session is over. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#running;
  }

  /** The session is over: nothing of it may reach the broker any more. */
  end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    const letGo = (): void => {
      if (this.#batch) this.#backlog.release(this.#batch);
      this.#batch = undefined;
      this.#backlog.clear();
    };
    // An insert in flight still reads from the batch's memory.
    if (this.#running) void this.#running.then(letGo);
    else letGo();
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        this.#check();
        if (this.#state.at === 'halted') {
          this.#context.halted(this.partition, this.#state.halt);
          this.#over.abort();
          return;
        }
        const outcome = await this.#perform(this.#state).catch(misconfigured);
        if (!outcome) return;
        this.#state = advance(this.#state, outcome);
      }
    } catch (error) {
      if (!(error instanceof Fenced)) throw error;
      this.#context.counters.fenced++;
    }
  }

  #check(): void {
    this.#patience.check();
  }

  /** Does what the state asks; `undefined` when there is nothing to do for now. */
  async #perform(state: State): Promise<Outcome | undefined> {
    switch (state.at) {
      case 'opening':
        return this.#patience.until(async () => ({
          kind: 'high-water',
          offset: await this.#context.sink.highWater(this.#origin),
        }));
      case 'collecting':
        return this.#collect(state);
      case 'declaring':
        await this.#declare(state.work.batch);
        return { kind: 'committed' };
      case 'looking':
        return this.#patience.until(() => this.#look(state.work.batch));
      case 'inserting':
        return this.#insert(state.work);
      case 'judging':
        return this.#judge(state);
      case 'outlasting':
        await this.#outlast(state.work.batch);
        return { kind: 'outlasted' };
      case 'quarantine-looking':
        return this.#patience.until(async () => {
          const { batch } = state.work;
          const there = await this.#context.sink.quarantined(this.#origin, batch.first, batch.last);
          return { kind: 'missing', offsets: batch.bad.filter((offset) => !there.has(offset)) };
        });
      case 'quarantining':
        return this.#quarantine(state.work);
      case 'finishing':
        return this.#finish(state.work.batch);
      case 'halted':
        return undefined;
    }
  }

  // -- collecting ------------------------------------------------------------------------------

  async #collect(state: State & { at: 'collecting' }): Promise<Outcome | undefined> {
    if (this.#draining) return undefined;
    const batch = state.intent ? this.#backlog.cutThrough(state.intent.last) : this.#cutWhenDue();
    if (!batch) return undefined;
    this.#hold(batch);
    const facts = state.intent
      ? { ...factsOf(batch), bad: state.intent.bad }
      : await this.#screened(batch, state.highWater);
    return { kind: 'batch', batch: facts };
  }

  #cutWhenDue(): Batch | undefined {
    const limits = {
      ...this.#context.limits,
      maxRows: Math.min(this.#context.limits.maxRows, Math.floor(this.#rowsTaken)),
    };
    const { waitingSince } = this.#backlog;
    if (waitingSince === 0) return undefined;
    if (
      !this.#backlog.isFull(limits) &&
      performance.now() - waitingSince < this.#context.flushAgeMs()
    )
      return undefined;
    return this.#backlog.cut(limits);
  }

  #hold(batch: Batch): void {
    this.#batch = batch;
    this.#rejections.clear();
    this.#mended.clear();
  }

  /** What of the batch can be told to be bad before it is declared: framing, and repeats. */
  async #screened(batch: Batch, highWater: number): Promise<BatchFacts> {
    for (const row of batch.rows) {
      if (row.fault) this.#rejections.set(row.offset, framingRejection(row, row.fault));
    }
    if (batch.rows.some((row) => row.mayRepeat)) {
      const repeats = await this.#patience.until(() =>
        findRepeats(batch.rows, this.#origin, this.#context.sink),
      );
      for (const [offset, rejection] of repeats) this.#rejections.set(offset, rejection);
    }
    // Offsets read again after a reset: what is stored stays stored, whatever we think of it now.
    if (batch.first <= highWater && this.#rejections.size > 0) {
      const settled = await this.#patience.until(() =>
        this.#context.sink.settled(this.#origin, batch.first, batch.last),
      );
      for (const offset of settled) this.#rejections.delete(offset);
    }
    return this.#fitted(batch);
  }

  /** Shortens the batch until its bad offsets fit beside the committed offset. */
  #fitted(batch: Batch, known: readonly number[] = []): BatchFacts {
    let fitting = batch;
    for (;;) {
      const bad = [...new Set([...known, ...this.#rejections.keys()])].filter(
        (offset) => offset >= fitting.first && offset <= fitting.last,
      );
      const facts: BatchFacts = { ...factsOf(fitting), bad };
      if (fitsMetadata(intentOf(this.#origin.topicId, facts))) {
        this.#batch = fitting;
        return facts;
      }
      fitting = this.#backlog.shorten(fitting, Math.max(1, fitting.rows.length >> 1));
    }
  }

  // -- storing ---------------------------------------------------------------------------------

  async #declare(batch: BatchFacts): Promise<void> {
    const intent = intentOf(this.#origin.topicId, batch);
    await this.#commit(batch.first, encodeIntent(intent, this.#state.accusations));
  }

  async #look(batch: BatchFacts): Promise<Outcome> {
    const settled = await this.#context.sink.settled(this.#origin, batch.first, batch.last);
    const bad = new Set(batch.bad);
    const missing = this.#held(batch).rows.filter(
      ({ offset }) => !bad.has(offset) && !settled.has(offset),
    );
    return { kind: 'missing', offsets: missing.map(({ offset }) => offset) };
  }

  async #insert(work: (State & { at: 'inserting' })['work']): Promise<Outcome> {
    const { batch, missing, level, accused } = work;
    const rows = this.#rowsOf(batch, accused === undefined ? missing : [accused]);
    if (rows.length === 0) return { kind: 'inserted', written: 0, expected: 0 };
    if (level > 0 && accused === undefined) {
      this.#context.counters.healed += rows.length;
      this.#context.log.warn(
        {
          code: 'ROWS_HEALED',
          partition: this.partition,
          first: batch.first,
          last: batch.last,
          rows: rows.length,
          level,
        },
        'healing rows that an acknowledged insert left out',
      );
    }
    return this.#attemptInsert(batch, rows, async (leaseSeconds) => {
      const written = await this.#context.sink.insert(rows, this.#mended, {
        origin: this.#origin,
        token: this.#token(batch, level === 0 ? '' : `/r${level}`),
        leaseSeconds,
        timeoutMs: this.#context.limits.insertTimeoutMs,
      });
      this.#context.counters.inserts++;
      return { kind: 'inserted', written, expected: rows.length };
    });
  }

  async #quarantine(work: (State & { at: 'quarantining' })['work']): Promise<Outcome> {
    const { batch, missing, level } = work;
    const wanted = new Set(missing === 'all' ? batch.bad : missing);
    const rows = this.#held(batch).rows.filter(({ offset }) => wanted.has(offset));
    const rejected = await this.#rejected(rows);
    const messages = rejected.map(([row, rejection]) => quarantinedMessage(row, rejection));
    return this.#attemptInsert(batch, rows, async (leaseSeconds) => {
      await this.#context.sink.quarantine(messages, {
        origin: this.#origin,
        token: this.#token(batch, `/q${level}`),
        leaseSeconds,
        timeoutMs: this.#context.limits.insertTimeoutMs,
      });
      const { counters } = this.#context;
      counters.quarantined += messages.length;
      for (const { reason } of messages) {
        counters.quarantinedBy[reason] = (counters.quarantinedBy[reason] ?? 0) + 1;
      }
      return { kind: 'quarantined' };
    });
  }

  /**
   * Why each of these bad rows goes to quarantine. The reason is not in the intent: after a crash it is found
   * again. What is kept as a repeat loses its body, so the ledger must hold its event by now: the copy that
   * stood earlier in the same batch may itself have been refused.
   */
  async #rejected(rows: readonly Row[]): Promise<(readonly [Row, Rejection])[]> {
    const expiry = await this.#patience.until(() => this.#context.expiry());
    const stored = rows.some(({ mayRepeat }) => mayRepeat)
      ? await this.#patience.until(() => findStored(rows, this.#origin, this.#context.sink))
      : new Set<number>();
    return rows.map((row) => [row, this.#rejectionOf(row, expiry, stored)]);
  }

  #rejectionOf(row: Row, expiry: Expiry, stored: ReadonlySet<number>): Rejection {
    const known = this.#rejections.get(row.offset);
    if (known && known.reason !== 'duplicate') return known;
    if (row.fault) return framingRejection(row, row.fault);
    if (stored.has(row.offset)) return REPEAT;
    const verdict = judge(valueOf(row), expiry);
    if (verdict.kind === 'rejected') return verdict.rejection;
    return {
      reason: 'refused',
      error: known
        ? 'a repeat of a message of the same batch that was refused itself'
        : 'left out by an earlier owner of the partition: refused by the engine, or a repeat of a message that was',
    };
  }

  async #attemptInsert(
    batch: BatchFacts,
    rows: readonly Row[],
    attempt: (leaseSeconds: number) => Promise<Outcome>,
  ): Promise<Outcome> {
    const { limits, slots } = this.#context;
    const ended = await slots.use(async () => {
      // The lease starts from a commit that proved ownership, never from the insert itself.
      if (this.#leaseEndsMs - this.#context.engineNow() < limits.insertTimeoutMs) {
        await this.#declare(batch);
      }
      this.#check();
      try {
        return await attempt(Math.floor(this.#leaseEndsMs / 1000));
      } catch (error) {
        const failure = classify(error);
        // With its stack, which says where.
        if (failure.kind === 'bug') throw error;
        return { failure };
      }
    });
    if ('failure' in ended) return this.#failed(ended.failure, batch, rows);
    this.#patience.relieve();
    return ended;
  }

  async #failed(
    failure: Exclude<Failure, { kind: 'bug' }>,
    batch: BatchFacts,
    rows: readonly Row[],
  ): Promise<Outcome> {
    const { counters } = this.#context;
    switch (failure.kind) {
      case 'lease':
        counters.leasesOver++;
        this.#leaseEndsMs = 0;
        // We slept, and the next commit says whose the partition is; or the engine's clock was set.
        await this.#patience.until(() => this.#context.askClock());
        return { kind: 'lease-over' };
      case 'content':
        counters.refusals++;
        return {
          kind: 'refused',
          refusal: {
            offset: failure.row === undefined ? undefined : rows[failure.row - 1]?.offset,
            error: failure.error,
          },
        };
      case 'too-large':
        counters.refusals++;
        return this.#narrowed(batch, rows.length) ?? { ...failure, kind: 'misconfigured' };
      case 'configuration':
        return { kind: 'misconfigured', error: failure.error, hint: failure.hint };
      case 'outage':
        this.#othersEndMs = Math.max(this.#othersEndMs, this.#leaseEndsMs);
        await this.#patience.wait('clickhouse', failure.error);
        return { kind: 'unsure' };
    }
  }

  /** Waits until no insert can land of which it is not known how it ended. */
  async #outlast({ first, last }: BatchFacts): Promise<void> {
    // The engine's clock for leases counts whole seconds.
    const left = (): number => this.#othersEndMs + 1_000 - this.#context.engineNow();
    if (left() <= 0) return;
    this.#context.log.warn(
      { code: 'INSERT_UNDER_WAY', partition: this.partition, first, last, waitMs: left() },
      'an insert of this batch may still land, and the engine refuses it now: waiting for the end of its lease',
    );
    while (left() > 0) {
      await pause(left(), this.#over.signal);
      this.#check();
    }
  }

  /** The front half of the batch in hand; the rest waits again. A single row cannot be made less. */
  #narrowed(batch: BatchFacts, inserted: number): Outcome | undefined {
    const held = this.#held(batch);
    if (inserted < 2 || held.rows.length < 2) return undefined;
    this.#batch = this.#backlog.shorten(held, held.rows.length >> 1);
    this.#rowsTaken = this.#batch.rows.length;
    return { kind: 'narrowed', batch: factsOf(this.#batch) };
  }

  // -- refused content -------------------------------------------------------------------------

  async #judge(state: State & { at: 'judging' }): Promise<Outcome> {
    const { batch, missing, accused } = state.work;
    const expiry = await this.#patience.until(() => this.#context.expiry());
    const bad: number[] = [];
    let mended = 0;
    for (const row of this.#rowsOf(batch, accused === undefined ? missing : [accused])) {
      if (this.#mended.has(row.offset)) continue;
      const verdict = judge(valueOf(row), expiry);
      if (verdict.kind === 'rejected') {
        this.#rejections.set(row.offset, verdict.rejection);
        bad.push(row.offset);
      } else if (verdict.kind === 'mended') {
        this.#mended.set(row.offset, verdict.value);
        mended++;
      }
    }
    const named = state.refusal.offset;
    if (bad.length === 0 && mended === 0 && named !== undefined && triedAlone(state.work)) {
      this.#rejections.set(named, { reason: 'refused', error: state.refusal.error });
    }
    const facts = this.#fitted(this.#held(batch), [...batch.bad, ...bad]);
    this.#context.log.warn(
      {
        code: 'BATCH_REFUSED',
        partition: this.partition,
        first: batch.first,
        last: batch.last,
        bad: bad.length,
        mended,
        refusal: state.refusal.error,
      },
      'the engine refused a batch',
    );
    return {
      kind: 'judged',
      batch: { ...facts, bad: batch.bad },
      bad: bad.filter((offset) => offset <= facts.last),
      mended,
    };
  }

  // -- finishing -------------------------------------------------------------------------------

  async #finish(batch: BatchFacts): Promise<Outcome> {
    const done = this.#held(batch);
    // The same commit declares the next batch, when one is due that needs no questions first.
    const next = this.#draining ? undefined : this.#cutWhenDue();
    const plain =
      next !== undefined &&
      next.rows.length > 0 &&
      next.rows.every((row) => !row.fault && !row.mayRepeat);
    const facts = next && factsOf(next);
    const { accusations } = this.#state;
    const metadata =
      facts && plain
        ? encodeIntent(intentOf(this.#origin.topicId, facts), accusations)
        : encodeIdle(this.#origin.topicId, accusations);
    try {
      await this.#mirror(batch);
      await this.#commit(batch.last + 1, metadata);
    } catch (error) {
      // A refusal can pass without the session's end: then the state is tried again, and cuts this again.
      if (next) this.#backlog.putBack(next);
      throw error;
    }
    this.#context.counters.batches++;
    this.#rowsTaken += this.#rowsTaken / 8;
    this.#context.counters.rows += done.rows.length - batch.bad.length;
    for (const row of done.rows) this.#context.counters.bytes += row.valueEnd - row.start;
    this.#backlog.release(done);
    this.#batch = undefined;
    this.#context.holdingsChanged();
    if (!next || !facts) return { kind: 'finished', next: null };
    if (plain) {
      this.#hold(next);
      return { kind: 'finished', next: facts };
    }
    this.#backlog.putBack(next);
    return { kind: 'finished', next: null };
  }

  /** Before the commit, so that a crash in between only means a second copy. */
  async #mirror(batch: BatchFacts): Promise<void> {
    const { deadLetters } = this.#context;
    if (!deadLetters || batch.bad.length === 0) return;
    const wanted = new Set(batch.bad);
    const rows = this.#held(batch).rows.filter(({ offset }) => wanted.has(offset));
    const rejected = await this.#rejected(rows);
    // A repeat is no dead letter: its event is in the ledger.
    const letters = rejected.filter(([, { reason }]) => reason !== 'duplicate');
    await deadLetters.mirror(
      this.#origin,
      letters.map(([row, rejection]) => deadLetterOf(row, rejection)),
    );
  }

  /** Commits until the broker has said yes or no; the same request each time. */
  async #commit(offset: number, metadata: string): Promise<void> {
    for (;;) {
      this.#check();
      const sampled = this.#context.engineNow();
      const result = await this.#context.commit(
        this.#session,
        this.partition,
        offset,
        metadata,
        () => this.#check(),
      );
      if (result === 'committed') {
        this.#committed = offset;
        this.#leaseEndsMs = sampled + this.#context.limits.leaseMs;
        this.#patience.relieve();
        return;
      }
      if (result === 'fenced') throw new Fenced();
      this.#check();
      await this.#patience.wait('kafka', `Kafka: ${result.retry.message}`);
    }
  }

  // -- the batch in hand -----------------------------------------------------------------------

  /** The messages of `batch`. Never others: what is committed past is what was stored, or it is lost. */
  #held(batch: BatchFacts): Batch {
    const held = this.#batch;
    if (!held) throw new Error(`No batch in hand while ${this.#state.at}`);
    if (held.first !== batch.first || held.last !== batch.last) {
      throw new Error(
        `Offsets ${held.first}–${held.last} are in hand, not ${batch.first}–${batch.last}, while ${this.#state.at}`,
      );
    }
    return held;
  }

  #rowsOf(batch: BatchFacts, missing: 'all' | readonly number[]): readonly Row[] {
    const { rows } = this.#held(batch);
    if (missing !== 'all') {
      const wanted = new Set(missing);
      return rows.filter(({ offset }) => wanted.has(offset));
    }
    if (batch.bad.length === 0) return rows;
    const bad = new Set(batch.bad);
    return rows.filter(({ offset }) => !bad.has(offset));
  }

  #token(batch: BatchFacts, suffix: string): string {
    const { topicId, partition } = this.#origin;
    return `ledgerline/${topicId}/${partition}/${batch.first}-${batch.last}/${batch.hash}${suffix}`;
  }
}

const factsOf = ({ first, last, rows, hash }: Batch): BatchFacts => ({
  first,
  last,
  rows: rows.length,
  hash,
  bad: [],
});

function misconfigured(error: unknown): Outcome {
  if (!(error instanceof Misconfigured)) throw error;
  return { kind: 'misconfigured', error: error.message, hint: error.hint };
}
