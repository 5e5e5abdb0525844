import type { LedgerlineError } from '../schemas/index.ts';
import type { DeliveryError } from './delivery-error.ts';
import type { FilteredReceipt } from './policy/decision.ts';

export type { FilteredReceipt };

/** Why an event that the policy keeps was not taken. */
export const REJECT_CAUSES = [
  'unknown_type',
  'invalid',
  'queue_full',
  'spool_full',
  'closed',
] as const;
export type RejectCause = (typeof REJECT_CAUSES)[number];

/** How a kept event ended: it is in Kafka, or nobody can say so yet, and `error` says why. */
export type Delivered =
  StoredReceipt | { readonly status: 'undelivered'; readonly error: DeliveryError };

interface KeptReceipt {
  readonly id: string;
  /** Its `producer_seq`. */
  readonly seq: number;
  /** With `async: false`: settles when Kafka has the event, or after 10,000 ms. Never rejects. */
  readonly delivered?: Promise<Delivered>;
}

/** The event is encoded and in memory. */
export interface AcceptedReceipt extends KeptReceipt {
  readonly status: 'accepted';
}

/** The event is in the spool on disk: it will be delivered even if the process is killed now. */
export interface SpooledReceipt extends KeptReceipt {
  readonly status: 'spooled';
}

/** It should have been kept, and is not: counted, and `error` says what to do. */
export interface RejectedReceipt {
  readonly status: 'rejected';
  readonly cause: RejectCause;
  readonly error: LedgerlineError;
}

/**
 * The event as the log takes it, for the caller to store with its own data: `ledgerline/outbox`. It
 * has no `producer_seq`: a transaction that is rolled back would leave a gap that nothing explains.
 */
export interface PreparedReceipt {
  readonly status: 'prepared';
  readonly id: string;
  /** The message's key: `tenant/target_type/target_id`. */
  readonly key: string;
  /** The wire row. */
  readonly value: Buffer;
}

/** What `prepare` answers. */
export type Preparation = PreparedReceipt | FilteredReceipt | RejectedReceipt;

/** What `emit` answers. */
export type Receipt = AcceptedReceipt | SpooledReceipt | FilteredReceipt | RejectedReceipt;

/**
 * Kafka has the event on all in-sync replicas. `offset` is −1 where the broker recognised a
 * repeat and no longer knows where it put the first.
 */
export interface StoredReceipt {
  readonly status: 'stored';
  readonly id: string;
  readonly seq: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}
