import type { LedgerlineError } from '../schemas/index.ts';
import { FILTER_CAUSES, type FilterCause } from './policy/decision.ts';

/** Why an event that the policy keeps was not taken. */
export const REJECT_CAUSES = ['unknown_type', 'invalid', 'queue_full', 'closed'] as const;
export type RejectCause = (typeof REJECT_CAUSES)[number];

/** The event is encoded and in the buffer. `seq` is its `producer_seq`. */
export interface AcceptedReceipt {
  readonly status: 'accepted';
  readonly id: string;
  readonly seq: number;
}

/** The policy does not keep it; `cause` is the step that said no. Not an error. */
export interface FilteredReceipt {
  readonly status: 'filtered';
  readonly cause: FilterCause;
}

/** It should have been kept, and is not: counted, and `error` says what to do. */
export interface RejectedReceipt {
  readonly status: 'rejected';
  readonly cause: RejectCause;
  readonly error: LedgerlineError;
}

/** What `emit` answers. */
export type Receipt = AcceptedReceipt | FilteredReceipt | RejectedReceipt;

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

/** One for each cause, shared and frozen: a filtered event allocates nothing. */
export const FILTERED: Readonly<Record<FilterCause, FilteredReceipt>> = Object.freeze(
  Object.fromEntries(
    FILTER_CAUSES.map((cause) => [cause, Object.freeze({ status: 'filtered', cause })]),
  ) as Record<FilterCause, FilteredReceipt>,
);
