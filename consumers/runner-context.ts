/** What the worker offers to each of its partitions, and what they count for it. */
import type { Logger } from 'pino';
import type { BatchLimits } from './backlog.ts';
import type { ChunkPool } from './chunk-pool.ts';
import type { Session } from './fence.ts';
import type { CommitResult } from './group-member.ts';
import type { Expiry } from './judge.ts';
import type { LedgerSink } from './ledger-sink.ts';
import type { Halt } from './partition.ts';
import type { Slots } from './slots.ts';

export interface RunnerLimits extends BatchLimits {
  /** A batch leaves at this age, however small it is. */
  readonly maxAgeMs: number;
  readonly maxMessageBytes: number;
  readonly insertTimeoutMs: number;
  /** How long after a commit an insert may still be taken. */
  readonly leaseMs: number;
}

export interface RunnerContext {
  readonly pool: ChunkPool;
  readonly slots: Slots;
  readonly sink: LedgerSink;
  readonly limits: RunnerLimits;
  readonly log: Logger;
  readonly counters: Counters;
  /** Milliseconds since 1970 by the engine's clock. */
  engineNow(): number;
  /** The table's retention classes, as fresh as they need to be. */
  expiry(): Promise<Expiry>;
  commit(
    session: Session,
    partition: number,
    offset: number,
    metadata: string,
    check: () => void,
  ): Promise<CommitResult>;
  /** The partition holds more than before, or less: time to see who may fetch. */
  holdingsChanged(): void;
  halted(partition: number, halt: Halt): void;
  /** A fault of ours: nothing that waiting would mend. */
  broken(partition: number, error: Error): void;
}

/** What the worker tells of itself. Counts since its start. */
export interface Counters {
  rows: number;
  batches: number;
  inserts: number;
  quarantined: number;
  recoveries: number;
  healed: number;
  retries: number;
  fenced: number;
}
