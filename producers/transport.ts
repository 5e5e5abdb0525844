/** One encoded event on its way to the log. */
export interface OutboundMessage {
  readonly id: string;
  /** `tenant_id/target_type/target_id`: one target's history is one partition, in order. */
  readonly key: string;
  /** The wire row as UTF-8 JSON text. */
  readonly value: Buffer;
  /** It may be in the log already: sent with the header `ll-dup`, so that it is stored once. */
  readonly mayRepeat: boolean;
}

/** How a send ended. */
export type SendOutcome =
  /** The messages are on all in-sync replicas, at `baseOffset`, `baseOffset + 1`, … (−1: unknown). */
  | { readonly status: 'stored'; readonly baseOffset: number }
  /** The log has none of them and will never take this batch; each alone it may. */
  | { readonly status: 'refused'; readonly error: Error }
  /** The topic has no such partition: it was made anew with fewer. */
  | { readonly status: 'no_such_partition' }
  /** They may or may not be in the log. */
  | {
      readonly status: 'failed';
      readonly error: Error;
      /** Whether other partitions can still be expected to work. */
      readonly scope: 'partition' | 'connection';
      /**
       * Whether the same call with exactly the same messages is still recognised as a repeat.
       * Where not, whatever was tried before has to be sent with `mayRepeat`.
       */
      readonly repeatable: boolean;
    };

/** What goes to one partition, in order. */
export interface PartitionBatch {
  readonly partition: number;
  readonly messages: readonly OutboundMessage[];
}

/** How a send to several partitions ended. */
export type TogetherOutcome =
  /** All of it is on all in-sync replicas; offsets as the batches were given. */
  | { readonly status: 'stored'; readonly baseOffsets: readonly number[] }
  /** Any of it may be in the log, and none may be recognised when it is sent again. */
  | {
      readonly status: 'failed';
      readonly error: Error;
      readonly scope: 'partition' | 'connection';
    };

/**
 * A partitioned log. The sender calls it one call at a time; every call ends by itself, within a
 * time of the transport's own.
 */
export interface Transport {
  /** Ready to send; resolves at once when it is. Rejects with the reason it can't be. */
  connect(): Promise<void>;
  /** How many partitions the log has, as last seen. Asked only after `connect`. */
  readonly partitions: number;
  /** Hears of each event before `emit` returns, if it has to know of them so early. */
  offered?(message: OutboundMessage): void;
  /** Never rejects. */
  send(partition: number, messages: readonly OutboundMessage[]): Promise<SendOutcome>;
  /**
   * The same for several partitions in one round trip, where the log can. Never rejects. When it
   * fails each batch is sent for itself, marked as one that may repeat.
   */
  sendTogether?(batches: readonly PartitionBatch[]): Promise<TogetherOutcome>;
  /** Nothing is on its way: lets go of what keeps the process alive. `connect` brings it back. */
  rest?(): Promise<void>;
  /** Lets go of everything, also in the middle of a send. Safe to call twice. */
  close(): Promise<void>;
}
