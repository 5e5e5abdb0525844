import {
  defineCatalog,
  type Catalog,
  type Category,
  type EventInput,
  type EventTypeName,
  type Party,
} from '../schemas/index.ts';
import type { AnyFunction, AuditedCall, AuditedOptions } from './commands/audited.ts';
import type { CommandOptions } from './commands/command-options.ts';
import type { Described } from './commands/described.ts';
import type { Executed } from './commands/execute.ts';
import type { CommandResult } from './commands/run-command.ts';
import type { ContextFields } from './context/context.ts';
import type { Counts } from './counters.ts';
import type { DrainReport } from './delivery.ts';
import { checkLedgerOptions, type LedgerOptions } from './options.ts';
import type { FilteredReceipt, Preparation, Receipt, StoredReceipt } from './receipt.ts';
import { AuditLedger } from './audit-ledger.ts';

/** What became of the events since the ledger was made. */
export interface LedgerStats extends Counts {
  readonly byCategory: Readonly<Record<string, Counts>>;
  /** How many events each rule and limit of the policy did not let pass, by its id. */
  readonly filteredByRule: Readonly<Record<string, number>>;
  /** The last `producer_seq` given. */
  readonly lastSeq: number;
  /** What waits in memory at the moment. */
  readonly buffered: { readonly events: number; readonly bytes: number };
  /** What the files of the spool take. */
  readonly spool: { readonly bytes: number };
  /** What became of events that earlier processes left in the spool. */
  readonly recovered: Pick<Counts, 'stored' | 'pending' | 'lost'> & { readonly taken: number };
}

/** A deadline, in milliseconds; `Infinity` for none. What is no such number is `CONFIG_INVALID`. */
export interface Within {
  readonly timeoutMs?: number | undefined;
}

/** Where a service says what happened. `C` is its catalog: types, aliases and data are checked. */
export interface Ledger<C extends Catalog = Catalog> {
  /** This process's own id, on every event; `producer_seq` counts within it. */
  readonly producerId: string;

  /** `false`: receipts carry the promise `delivered`, and the HTTP middleware waits for it. */
  readonly async: boolean;

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
   * Decides, checks, redacts and encodes as {@link Ledger.emit} does, and hands the event over
   * instead of sending it: for a table that commits together with the change. Never throws.
   *
   * @example
   * const insert = outboxInsert(ledger.prepare('app.created', { actor, target })); // ledgerline/outbox
   * if (insert !== undefined) await client.query(insert);
   */
  prepare<const T extends EventTypeName<C>>(type: T, input: EventInput<C, T>): Preparation;

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

  /**
   * Runs a command, without a shell, and records it: command line, output and errors (bounded, as
   * they came, secrets masked), exit code or signal, duration. Success is exit code 0; all else is
   * a failure, also that it could not be started. Never rejects but for `CONFIG_INVALID` options:
   * the answer says how it ended, and has its output.
   *
   * @param input the event's, or a function that makes it of the result
   *
   * @example
   * const run = await ledger.execute('app.command.run', { target }, 'npm', ['run', 'build'], {
   *   timeoutMs: 60_000,
   *   secrets: [token],
   * });
   * if (!run.ok) throw new Error(run.stderr);
   */
  execute<const T extends EventTypeName<C>>(
    type: T,
    input: Described<EventInput<C, T>, CommandResult>,
    command: string,
    args?: readonly string[],
    options?: CommandOptions,
  ): Promise<Executed>;

  /**
   * Wraps a function so that each call is recorded when it is over, as success, failure or denial
   * (an error with `denied: true`, or a `status` of 401 or 403; or as `options.denied` says).
   * `this`, arguments, result and error pass through as they are; what is awaited stays so.
   *
   * @param describe the event's input, or a function that makes it of the call
   *
   * @example
   * const deleteApp = ledger.audited('app.deleted', apps.delete, ({ args: [id] }) => ({
   *   target: { id },
   *   reason: 'asked for',
   * }));
   */
  audited<const T extends EventTypeName<C>, F extends AnyFunction>(
    type: T,
    fn: F,
    describe: Described<EventInput<C, T>, AuditedCall<F>>,
    options?: AuditedOptions,
  ): F;

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
