import { randomUUID } from 'node:crypto';
import {
  checkInput,
  defineCatalog,
  encodeRow,
  ledgerEvents,
  LedgerlineError,
  messageKey,
  outcomeOf,
  type Catalog,
  type Category,
  type EventInput,
  type EventTypeName,
  type Party,
} from '../schemas/index.ts';
import { monotonicClock } from './clock.ts';
import { Complaints } from './complaints.ts';
import { runInContext, type ContextFields } from './context/context.ts';
import { Delegate } from './context/delegate.ts';
import { Surroundings } from './context/surroundings.ts';
import { Counters, type Counts, type Tally } from './counters.ts';
import { KEEP, policyOf, type Policy } from './policy/decision.ts';
import { Delivery, type DrainReport } from './delivery.ts';
import { stderrLogger } from './logger.ts';
import { checkLedgerOptions, DEFAULTS, type CheckedLedger, type LedgerOptions } from './options.ts';
import { Outbound } from './outbound.ts';
import { planBook, type Plan, type PlanBook } from './plan.ts';
import {
  FILTERED,
  type AcceptedReceipt,
  type FilteredReceipt,
  type Receipt,
  type RejectCause,
  type SpooledReceipt,
  type StoredReceipt,
} from './receipt.ts';
import { Recording } from './recording.ts';
import { Redactors } from './redaction/redactors.ts';
import { stamped, type AnyInput, type Stamp } from './stamp.ts';

/** What became of the events since the ledger was made. */
export interface LedgerStats extends Counts {
  readonly byCategory: Readonly<Record<string, Counts>>;
  /** What waits in memory at the moment. */
  readonly buffered: { readonly events: number; readonly bytes: number };
}

/** A deadline, in milliseconds. */
export interface Within {
  readonly timeoutMs?: number | undefined;
}

/** Where a service says what happened. `C` is its catalog: types, aliases and data are checked. */
export interface Ledger<C extends Catalog = Catalog> {
  /** This process's own id, on every event; `producer_seq` counts within it. */
  readonly producerId: string;

  /**
   * Says what happened and goes on. Synchronous; never throws, never waits. The event is encoded
   * before it returns, so that the input may change afterwards. The receipt says whether it was
   * accepted into memory, spooled to disk, filtered by the policy, or rejected, and why.
   *
   * @example
   * ledger.emit('app.env_var.updated', {
   *   actor: { type: 'user', id: 'u_7' },
   *   target: { id: 'env_42', name: 'DATABASE_URL' },
   *   data: { app: 'shop' },
   * });
   */
  emit<const T extends EventTypeName<C>>(type: T, input: EventInput<C, T>): Receipt;

  /**
   * The durable twin of {@link Ledger.emit}: resolves when Kafka has the event on all in-sync
   * replicas, or at once when the policy does not keep it. Rejects with a `LedgerlineError`: at
   * once where `emit` answers `rejected`, otherwise with a {@link DeliveryError} that has the
   * `eventId`: `DEADLINE_EXCEEDED` (10,000 ms when not said), `KAFKA_REFUSED` or `CLOSED`.
   */
  record<const T extends EventTypeName<C>>(
    type: T,
    input: EventInput<C, T>,
    options?: Within,
  ): Promise<StoredReceipt | FilteredReceipt>;

  /**
   * Calls `fn` in a context: its fields are those of every event that `fn`, and all it starts,
   * records without saying otherwise, in any ledger of the process. Answers what `fn` answers.
   *
   * @example
   * await ledger.run({ tenant: 'acme', actor: { type: 'job', id: 'nightly' } }, () => nightly());
   */
  run<T>(context: ContextFields, fn: () => T): T;

  /**
   * Acts on somebody's behalf: who really acts stays the actor, and `party` is recorded beside
   * them in the role `on_behalf_of`. With `fn`, in its whole context; without, for what is said
   * through the answer.
   *
   * @example
   * ledger.actingAs({ type: 'user', id: 'u_9' }, () => closeAccount());
   */
  actingAs<T>(party: Party, fn: () => T): T;
  actingAs(party: Party): Pick<Ledger<C>, 'emit' | 'record'>;

  /** Resolves when everything accepted so far is settled, or after 10,000 ms. */
  flush(options?: Within): Promise<DrainReport>;

  /**
   * Takes no more events, flushes for 10,000 ms at most, and lets go of Kafka. Answers how many
   * events it could not deliver. Safe to call twice; the first call's deadline holds.
   */
  close(options?: Within): Promise<DrainReport>;

  stats(): LedgerStats;

  /** {@link Ledger.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The catalog of a ledger that was given one, or several parts of one. */
export type CatalogOf<C> = C extends Catalog
  ? C
  : C extends readonly (Category | Catalog)[]
    ? ReturnType<typeof defineCatalog<C>>
    : never;

/** The category under which events of unknown types are counted. */
const UNKNOWN_CATEGORY = 'unknown';

/**
 * Makes a service's ledger. Returns at once: it connects when the first event is there, and what
 * is emitted while Kafka is away waits in the buffer.
 *
 * Throws `CONFIG_INVALID`, which lists every fault of the options, or what `defineCatalog` says.
 *
 * @example
 * const ledger = createLedger({
 *   service: 'control-panel',
 *   catalog: [infrastructure, security],
 *   kafka: { brokers: ['127.0.0.1:9092'] },
 * });
 */
export function createLedger<const C extends Catalog | readonly (Category | Catalog)[]>(
  options: LedgerOptions<C>,
): Ledger<CatalogOf<C>> {
  const checked = checkLedgerOptions(options);
  return new AuditLedger(checked) as Ledger<CatalogOf<C>>;
}

class AuditLedger {
  readonly producerId = randomUUID();
  readonly #catalog: Catalog;
  readonly #policy: Policy;
  readonly #plans: PlanBook;
  readonly #ownPlans: PlanBook;
  readonly #stamp: Stamp;
  readonly #topic: string;
  readonly #async: boolean;
  readonly #counters = new Counters();
  readonly #unknown: Tally;
  readonly #complaints: Complaints;
  readonly #redactors: Redactors;
  readonly #delivery: Delivery;
  #seq = 0;

  constructor(options: CheckedLedger) {
    const { service, tenant, actor, level, topic, clock = monotonicClock() } = options;
    const { catalog, logger = stderrLogger, onError } = options;
    this.#catalog = isCatalog(catalog) ? catalog : defineCatalog(...catalog);
    this.#redactors = new Redactors(this.#catalog, options.redaction);
    this.#topic = topic;
    this.#policy = policyOf(options);
    this.#stamp = { service, producerId: this.producerId, tenant, actor, level, clock };
    this.#complaints = new Complaints(logger, onError);
    this.#unknown = this.#counters.of(UNKNOWN_CATEGORY);
    const onLost = (error: LedgerlineError): void => this.#complaints.about(error);
    this.#plans = planBook(this.#catalog, this.#policy, this.#counters, onLost);
    this.#ownPlans = planBook(ledgerEvents, this.#policy, this.#counters, onLost);
    this.#async = options.async;
    this.#delivery = new Delivery(options);
    if (!options.enabled) {
      logger.warn(
        { service },
        'auditing is DISABLED: no event is recorded, protected ones neither',
      );
    }
  }

  emit(type: string, input: AnyInput): Receipt {
    if (this.#async) return this.#admit(type, input, undefined);
    const recording = this.#recording(DEFAULTS.recordTimeoutMs);
    const receipt = this.#admit(type, input, recording);
    if (receipt.status !== 'accepted' && receipt.status !== 'spooled') return receipt;
    this.#awaitDelivery(recording, receipt);
    return { ...receipt, delivered: recording.delivered() };
  }

  async record(
    type: string,
    input: AnyInput,
    { timeoutMs = DEFAULTS.recordTimeoutMs }: Within = {},
  ): Promise<StoredReceipt | FilteredReceipt> {
    const recording = this.#recording(timeoutMs);
    const receipt = this.#admit(type, input, recording);
    switch (receipt.status) {
      case 'filtered':
        return receipt;
      case 'rejected':
        throw receipt.error;
      case 'accepted':
      case 'spooled':
        this.#awaitDelivery(recording, receipt);
        return recording.promise;
    }
  }

  run<T>(context: ContextFields, fn: () => T): T {
    return runInContext(context, fn);
  }

  actingAs<T>(onBehalfOf: Party, fn?: () => T): T | Delegate {
    return fn === undefined ? new Delegate(this, onBehalfOf) : runInContext({ onBehalfOf }, fn);
  }

  flush({ timeoutMs = DEFAULTS.flushTimeoutMs }: Within = {}): Promise<DrainReport> {
    return this.#delivery.flush(timeoutMs);
  }

  close({ timeoutMs = DEFAULTS.closeTimeoutMs }: Within = {}): Promise<DrainReport> {
    return this.#delivery.close(timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  stats(): LedgerStats {
    return {
      ...this.#counters.total(),
      byCategory: this.#counters.byCategory(),
      buffered: this.#delivery.pending,
    };
  }

  #recording(timeoutMs: number): Recording {
    const lastError = (): Error | undefined => this.#delivery.lastError;
    return new Recording({ topic: this.#topic, timeoutMs, lastError });
  }

  #awaitDelivery(recording: Recording, receipt: AcceptedReceipt | SpooledReceipt): void {
    recording.kept(receipt);
    this.#delivery.urge();
  }

  /** The way in of Ledgerline's own events, which are kept as long as anything is. Never throws. */
  #emitOwn(type: EventTypeName<typeof ledgerEvents>, data: AnyInput['data']): Receipt {
    const plan = this.#ownPlans.find(type, undefined);
    const { service, tenant } = this.#stamp;
    try {
      if (plan === undefined) return this.#unplanned(type, {});
      if (!this.#policy.enabled) return FILTERED.disabled;
      const input = { tenant, actor: { type: 'system', id: service }, data };
      return this.#keep(plan, input, plan.definition.outcome, undefined);
    } catch (error) {
      return this.#reject(plan?.tally ?? this.#unknown, 'invalid', readable(plan, error));
    }
  }

  /** Every event's way in: decide, validate, stamp, encode, buffer. Never throws. */
  #admit(type: string, input: AnyInput, recording: Recording | undefined): Receipt {
    let plan: Plan | undefined;
    try {
      plan = this.#plans.find(type, input.version);
      if (plan === undefined) return this.#unplanned(type, input);
      const outcome = outcomeOf(plan.definition.outcome, input);
      const verdict = plan.verdicts[outcome];
      if (verdict === KEEP) {
        if (!plan.asksTarget || !this.#excludes(plan, input)) {
          if (this.#delivery.closing) return this.#reject(plan.tally, 'closed', closed());
          return this.#keep(plan, input, outcome, recording);
        }
        plan.tally.filtered.excluded_resource += 1;
        return FILTERED.excluded_resource;
      }
      const filtered = FILTERED[verdict];
      if (filtered === undefined) throw unknownOutcome(plan.definition.type);
      plan.tally.filtered[verdict] += 1;
      return filtered;
    } catch (error) {
      return this.#reject(plan?.tally ?? this.#unknown, 'invalid', readable(plan, error));
    }
  }

  #unplanned(type: string, input: AnyInput): Receipt {
    if (!this.#policy.enabled) {
      this.#unknown.filtered.disabled += 1;
      return FILTERED.disabled;
    }
    const error = this.#catalog.explain(type, input.version);
    return this.#reject(this.#unknown, 'unknown_type', error);
  }

  #excludes({ definition }: Plan, input: AnyInput): boolean {
    const targetType = input.target?.type ?? definition.target;
    return targetType !== undefined && this.#policy.excludesResource(targetType);
  }

  #keep(
    { definition, tally, listener }: Plan,
    input: AnyInput,
    outcome: ReturnType<typeof outcomeOf>,
    recording: Recording | undefined,
  ): Receipt {
    const check = checkInput(definition, input);
    if (!check.ok) return this.#reject(tally, 'invalid', check.error);
    const seq = this.#nextSeq();
    let outbound: Outbound;
    try {
      const around = new Surroundings(input, this.#stamp);
      const event = this.#redactors.redact(
        definition,
        stamped(definition, input, outcome, check.data, seq, this.#stamp, around),
      );
      const value = encodeRow(event);
      // An id of the caller's own means that the event may have been said before.
      const mayRepeat = input.id !== undefined;
      const heard = recording?.countedBy(listener) ?? listener;
      outbound = new Outbound(event.id, messageKey(event), value, mayRepeat, heard);
    } catch (error) {
      this.#giveBack(seq);
      throw error;
    }
    // The number is spent either way: the gap in the ledger is what the two causes count.
    const placement = this.#delivery.offer(outbound, definition);
    if (placement === 'queue_full') return this.#reject(tally, placement, bufferFull());
    if (placement === 'spool_full') {
      return this.#reject(tally, placement, spoolFull(this.#delivery.spoolError));
    }
    tally.accepted += 1;
    return { status: placement, id: outbound.id, seq };
  }

  #nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** An event that proved to be none takes no number, unless its own getters emitted meanwhile. */
  #giveBack(seq: number): void {
    if (this.#seq === seq) this.#seq -= 1;
  }

  #reject(tally: Tally, cause: RejectCause, error: LedgerlineError): Receipt {
    tally.rejected[cause] += 1;
    this.#complaints.about(error);
    return { status: 'rejected', cause, error };
  }
}

const isCatalog = (given: Catalog | readonly unknown[]): given is Catalog => 'resolve' in given;

const unknownOutcome = (type: string): LedgerlineError =>
  new LedgerlineError('EVENT_INVALID', `The event "${type}" has an unknown outcome.`, {
    hint: 'Pass outcome: success, failure, denied or unknown.',
  });

/** Whatever came out of the caller's objects, as an error that says which event it was. */
function readable(plan: Plan | undefined, thrown: unknown): LedgerlineError {
  if (thrown instanceof LedgerlineError) return thrown;
  const which = plan === undefined ? 'An event' : `The event "${plan.definition.type}"`;
  // Its kind alone: who knows what its text quotes, and this one is logged.
  const kind = thrown instanceof Error ? thrown.constructor.name : typeof thrown;
  return new LedgerlineError('EVENT_INVALID', `${which} cannot be read (${kind}).`, {
    hint: 'Pass a plain object without throwing getters.',
  });
}

const closed = (): LedgerlineError =>
  new LedgerlineError('CLOSED', 'The ledger is closed.', {
    hint: 'Close it last, after the service has stopped taking requests.',
  });

const spoolFull = (cause: Error | undefined): LedgerlineError =>
  new LedgerlineError(
    'SPOOL_FULL',
    'The spool takes no more events, and Kafka has not taken them.',
    {
      hint: 'See why Kafka does not take events; free the disk, or raise spool.maxBytes.',
      cause,
    },
  );

const bufferFull = (): LedgerlineError =>
  new LedgerlineError('BUFFER_FULL', 'The buffer is full: Kafka takes events too slowly or not.', {
    hint: 'See why Kafka does not take events; buffer.maxEvents and maxBytes bound what may wait.',
  });
