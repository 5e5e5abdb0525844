import { randomUUID } from 'node:crypto';
import {
  checkInput,
  defineCatalog,
  encodeRow,
  ledgerEvents,
  LedgerlineError,
  messageKey,
  outcomeOf,
  type AuditEvent,
  type Catalog,
  type EventTypeName,
  type Party,
  type PolicyStamp,
} from '../schemas/index.ts';
import { monotonicClock } from './clock.ts';
import { closeOnOccasions, doFirst } from './closing.ts';
import {
  auditedFunction,
  type AnyFunction,
  type AuditedCall,
  type AuditedOptions,
} from './commands/audited.ts';
import type { CommandOptions } from './commands/command-options.ts';
import type { Described } from './commands/described.ts';
import { executed, type Executed } from './commands/execute.ts';
import type { CommandResult } from './commands/run-command.ts';
import { Complaints } from './complaints.ts';
import { expectDelivery, runInContext, type ContextFields } from './context/context.ts';
import { Delegate } from './context/delegate.ts';
import { Counters, type Tally } from './counters.ts';
import { countingListener } from './counting.ts';
import { deadlineFault } from './deadline.ts';
import { Delivery, type DrainReport } from './delivery.ts';
import { stderrLogger } from './logger.ts';
import { DEFAULTS, type CheckedLedger } from './options.ts';
import { Outbound } from './outbound.ts';
import { planBook, type Plan, type PlanBook } from './plan.ts';
import type {
  AcceptedReceipt,
  FilteredReceipt,
  Preparation,
  Receipt,
  RejectCause,
  RejectedReceipt,
  SpooledReceipt,
  StoredReceipt,
} from './receipt.ts';
import { DISABLED, type CompiledPolicy } from './policy/compile.ts';
import type { Filtered } from './policy/decision.ts';
import type { PolicyChange } from './policy/edge-policy.ts';
import { Decider } from './policy/decider.ts';
import { EventFacts } from './policy/event-facts.ts';
import { openPolicy, type OpenPolicy } from './policy/open-policy.ts';
import { policyChangedData } from './policy/policy-changed.ts';
import { Recording } from './recording.ts';
import { reportOf, reportRegularly, type ReportOccasion } from './report.ts';
import { Redactors } from './redaction/redactors.ts';
import { stamped, type AnyInput, type Stamp } from './stamp.ts';
import type { LedgerStats, Within } from './ledger.ts';

/** The category under which events of unknown types are counted. */
const UNKNOWN_CATEGORY = 'unknown';

/** In the place of a recording: the event is for the caller, not for Kafka. */
const PREPARE = Symbol('prepare');

/** The ledger behind {@link createLedger}, for types of any catalog. */
export class AuditLedger {
  readonly producerId = randomUUID();
  readonly async: boolean;
  readonly #catalog: Catalog;
  readonly #policy: OpenPolicy;
  readonly #plans: PlanBook;
  readonly #ownPlans: PlanBook;
  readonly #stamp: Stamp;
  readonly #decider: Decider;
  readonly #topic: string;
  /** Whether Ledgerline's own events are recorded. */
  readonly #reports: boolean;
  readonly #since = new Date();
  readonly #recovered = new Counters();
  readonly #counters = new Counters();
  readonly #unknown: Tally;
  readonly #complaints: Complaints;
  readonly #redactors: Redactors;
  readonly #delivery: Delivery;
  readonly #stopReports: () => void = () => undefined;
  readonly #stopListening: () => void;
  #seq = 0;

  constructor(options: CheckedLedger) {
    const { service, tenant, actor, topic, clock = monotonicClock() } = options;
    const { catalog, logger = stderrLogger, onError } = options;
    this.#catalog = isCatalog(catalog) ? catalog : defineCatalog(...catalog);
    this.#redactors = new Redactors(this.#catalog, options.redaction);
    this.#topic = topic;
    const untold = options.transport === undefined ? DEFAULTS.reportIntervalMs : false;
    const { reportIntervalMs = untold } = options;
    this.#reports = reportIntervalMs !== false;
    this.#policy = openPolicy(options, {
      catalog: this.#catalog,
      service,
      logger,
      nextSeq: () => this.#seq + 1,
      inForce: () => this.#plans.renew(),
      record: (change) => this.#recordPolicy(change),
    });
    this.#stamp = { service, producerId: this.producerId, tenant, actor, clock };
    this.#decider = new Decider(this.#stamp);
    this.#complaints = new Complaints(logger, onError);
    this.#unknown = this.#counters.of(UNKNOWN_CATEGORY);
    const onLost = (error: LedgerlineError): void => this.#complaints.about(error);
    const policy = (): CompiledPolicy => this.#policy.edge.compiled;
    this.#plans = planBook(this.#catalog, policy, this.#counters, onLost);
    this.#ownPlans = planBook(ledgerEvents, policy, this.#counters, onLost);
    this.async = options.async;
    this.#delivery = new Delivery(options, {
      spool: options.spool,
      listeners: {
        own: (category) => countingListener(this.#counters.of(category), onLost),
        inherited: (category) => {
          const tally = this.#recovered.of(category);
          tally.accepted += 1;
          return countingListener(tally, onLost);
        },
      },
      restsWhenIdle: options.closeOn.includes('beforeExit'),
    });
    this.#policy.start();
    if (!this.#policy.edge.compiled.enabled) {
      logger.warn(
        { service },
        'auditing is DISABLED: no event is recorded, protected ones neither',
      );
    }
    if (reportIntervalMs !== false) {
      this.#stopReports = reportRegularly(reportIntervalMs, (when) => this.#report(when));
    }
    const { closeOn, closeAfter } = options;
    this.#stopListening = closeOnOccasions(closeOn, () =>
      closeAfter === undefined
        ? this.close()
        : doFirst(closeAfter, logger).then(() => this.close()),
    );
  }

  emit(type: string, input: AnyInput): Receipt {
    if (this.async) return this.#admit(type, input, undefined);
    const recording = this.#recording(DEFAULTS.recordTimeoutMs);
    const receipt = this.#admit(type, input, recording);
    if (receipt.status !== 'accepted' && receipt.status !== 'spooled') return receipt;
    this.#awaitDelivery(recording, receipt);
    const delivered = recording.delivered();
    expectDelivery(delivered);
    return { ...receipt, delivered };
  }

  async record(
    type: string,
    input: AnyInput,
    { timeoutMs = DEFAULTS.recordTimeoutMs }: Within = {},
  ): Promise<StoredReceipt | FilteredReceipt> {
    const fault = deadlineFault('record', timeoutMs);
    if (fault !== undefined) throw fault;
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

  prepare(type: string, input: AnyInput): Preparation {
    return this.#admit(type, input, PREPARE);
  }

  run<T>(context: ContextFields, fn: () => T): T {
    return runInContext(context, fn);
  }

  actingAs<T>(onBehalfOf: Party, fn?: () => T): T | Delegate {
    return fn === undefined ? new Delegate(this, onBehalfOf) : runInContext({ onBehalfOf }, fn);
  }

  execute(
    type: string,
    input: Described<AnyInput, CommandResult>,
    command: string,
    args: readonly string[] = [],
    options: CommandOptions = {},
  ): Promise<Executed> {
    return executed(this, type, input, command, args, options);
  }

  audited<F extends AnyFunction>(
    type: string,
    fn: F,
    describe: Described<AnyInput, AuditedCall<F>>,
    options: AuditedOptions = {},
  ): F {
    return auditedFunction(this, type, fn, describe, options);
  }

  async flush({ timeoutMs = DEFAULTS.flushTimeoutMs }: Within = {}): Promise<DrainReport> {
    const fault = deadlineFault('flush', timeoutMs);
    if (fault !== undefined) throw fault;
    return this.#delivery.flush(timeoutMs);
  }

  close({ timeoutMs = DEFAULTS.closeTimeoutMs }: Within = {}): Promise<DrainReport> {
    const fault = deadlineFault('close', timeoutMs);
    if (fault !== undefined) return Promise.reject(fault);
    this.#policy.stop();
    this.#stopReports();
    const closed = this.#delivery.close(timeoutMs, () => {
      if (this.#reports) this.#report('close');
    });
    void closed.finally(this.#stopListening);
    return closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  stats(): LedgerStats {
    const { accepted: taken, stored, pending, lost } = this.#recovered.total();
    return {
      ...this.#counters.total(),
      byCategory: this.#counters.byCategory(),
      filteredByRule: this.#policy.edge.filteredByRule(),
      lastSeq: this.#seq,
      buffered: this.#delivery.pending,
      spool: { bytes: this.#delivery.spooledBytes ?? 0 },
      recovered: { taken, stored, pending, lost },
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
    return this.#policy.edge.compiled.enabled ? this.#keepOwn(type, data) : DISABLED.receipt;
  }

  #keepOwn(type: EventTypeName<typeof ledgerEvents>, data: AnyInput['data']): Receipt {
    const plan = this.#ownPlans.find(type, undefined);
    const { service, tenant } = this.#stamp;
    try {
      if (plan === undefined) return this.#unplanned(type, {});
      const input = { tenant, actor: { type: 'system', id: service }, data };
      const facts = new EventFacts(plan.definition, input, this.#stamp);
      const stamp = { level: this.#policy.edge.level, weight: 1 };
      return this.#keep(plan, input, plan.definition.outcome, undefined, facts, stamp);
    } catch (error) {
      return this.#reject(plan?.tally ?? this.#unknown, 'invalid', readable(plan, error));
    }
  }

  #report(occasion: ReportOccasion): void {
    const counters = this.#counters;
    const counted = {
      since: this.#since,
      lastSeq: this.#seq,
      counters,
      recovered: this.#recovered,
    };
    this.#emitOwn('ledger.counters.reported', reportOf(occasion, counted));
  }

  /** Also when it is the policy that turns recording off; not when nothing was ever recorded. */
  #recordPolicy(change: PolicyChange): boolean {
    if (!this.#reports || (change.cause === 'start' && !change.policy.enabled)) return true;
    return this.#keepOwn('ledger.policy.changed', policyChangedData(change)).status !== 'rejected';
  }

  /** Every event's way in: decide, validate, stamp, encode, buffer. Never throws. */
  #admit(type: string, input: AnyInput, to: Recording | undefined): Receipt;
  #admit(type: string, input: AnyInput, to: typeof PREPARE): Preparation;
  #admit(
    type: string,
    input: AnyInput,
    to: Recording | typeof PREPARE | undefined,
  ): Receipt | Preparation {
    let plan: Plan | undefined;
    try {
      plan = this.#plans.find(type, input.version);
      if (plan === undefined) return this.#unplanned(type, input);
      const outcome = outcomeOf(plan.definition.outcome, input);
      const verdict = plan.verdicts[outcome];
      if (verdict === undefined) throw unknownOutcome(plan.definition.type);
      const decision = this.#decider.decide(verdict, plan.definition, input);
      if (!decision.kept) return filter(plan.tally, decision);
      if (this.#delivery.closing) return this.#reject(plan.tally, 'closed', closed());
      const { facts, stamp } = decision;
      if (to === PREPARE) return this.#prepare(plan, input, outcome, facts, stamp);
      return this.#keep(plan, input, outcome, to, facts, stamp);
    } catch (error) {
      return this.#reject(plan?.tally ?? this.#unknown, 'invalid', readable(plan, error));
    }
  }

  #unplanned(type: string, input: AnyInput): FilteredReceipt | RejectedReceipt {
    if (!this.#policy.edge.compiled.enabled) return filter(this.#unknown, DISABLED);
    const error = this.#catalog.explain(type, input.version);
    return this.#reject(this.#unknown, 'unknown_type', error);
  }

  #keep(
    { definition, tally, listener }: Plan,
    input: AnyInput,
    outcome: ReturnType<typeof outcomeOf>,
    recording: Recording | undefined,
    facts: EventFacts,
    policy: PolicyStamp,
  ): Receipt {
    const check = checkInput(definition, input);
    if (!check.ok) return this.#reject(tally, 'invalid', check.error);
    const seq = this.#nextSeq();
    let outbound: Outbound;
    try {
      const event = this.#redactors.redact(
        definition,
        stamped(facts, input, outcome, check.data, seq, this.#stamp, policy),
      );
      const value = encodeRow(event);
      // An id of the caller's own means that the event may have been said before.
      const mayRepeat = input.id !== undefined;
      const heard = recording?.countedBy(listener) ?? listener;
      outbound = new Outbound(event.id, keyOf(event), value, mayRepeat, heard);
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

  #prepare(
    { definition, tally }: Plan,
    input: AnyInput,
    outcome: ReturnType<typeof outcomeOf>,
    facts: EventFacts,
    policy: PolicyStamp,
  ): Preparation {
    const check = checkInput(definition, input);
    if (!check.ok) return this.#reject(tally, 'invalid', check.error);
    const event = this.#redactors.redact(
      definition,
      stamped(facts, input, outcome, check.data, undefined, this.#stamp, policy),
    );
    const prepared = { id: event.id, value: encodeRow(event), key: keyOf(event) };
    tally.prepared += 1;
    return { status: 'prepared', ...prepared };
  }

  #nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** An event that proved to be none takes no number, unless its own getters emitted meanwhile. */
  #giveBack(seq: number): void {
    if (this.#seq === seq) this.#seq -= 1;
  }

  #reject(tally: Tally, cause: RejectCause, error: LedgerlineError): RejectedReceipt {
    tally.rejected[cause] += 1;
    this.#complaints.about(error);
    return { status: 'rejected', cause, error };
  }
}

/** Counts what the policy does not keep, for its category and for the rule that said so. */
function filter(tally: Tally, { receipt, tally: ofRule }: Filtered): FilteredReceipt {
  tally.filtered[receipt.cause] += 1;
  if (ofRule !== undefined) ofRule.filtered += 1;
  return receipt;
}

const isCatalog = (given: Catalog | readonly unknown[]): given is Catalog => 'resolve' in given;

/** Characters; what the spool can keep in a record, beside the event. */
const LONGEST_KEY = 200_000;

function keyOf(event: AuditEvent): string {
  const key = messageKey(event);
  if (key.length <= LONGEST_KEY) return key;
  throw new LedgerlineError(
    'EVENT_INVALID',
    `The event "${event.type}" has too long an id of its target.`,
    { hint: 'Tenant, type and id of the target (or the actor) have 200,000 characters at most.' },
  );
}

const unknownOutcome = (type: string): LedgerlineError =>
  new LedgerlineError('EVENT_INVALID', `The event "${type}" has an unknown outcome.`, {
    hint: 'Pass outcome: success, failure, denied or unknown.',
  });

/** Whatever came out of the caller's objects, as an error that says which event it was. */
function readable(plan: Plan | undefined, thrown: unknown): LedgerlineError {
  const which = plan === undefined ? 'An event' : `The event "${plan.definition.type}"`;
  let kind = 'unreadable';
  try {
    if (thrown instanceof LedgerlineError) return thrown;
    // Its kind alone: who knows what its text quotes, and this one is logged.
    kind = thrown instanceof Error ? thrown.constructor.name : typeof thrown;
  } catch {
    // A proxy, or a getter: what was thrown throws when it is looked at.
  }
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
