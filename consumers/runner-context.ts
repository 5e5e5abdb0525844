/** What the worker offers to each of its partitions, and what they count for it. */
import type { Logger } from 'pino';
import type { BatchLimits } from './backlog.ts';
import type { ChunkPool } from './chunk-pool.ts';
import type { Session } from './fence.ts';
import type { CommitResult } from './group-member.ts';
import type { Expiry } from './judge.ts';
import type { LedgerSink } from './ledger-sink.ts';
import type { Halt, State } from './partition.ts';
import type { DeadLetters } from './quarantine/dead-letters.ts';
import type { Slots } from './slots.ts';

export interface RunnerLimits extends BatchLimits {
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
  /** Where copies of quarantined messages go, besides audit_quarantine. */
  readonly deadLetters?: DeadLetters | undefined;
  /** A batch leaves at this age, however small it is; see flush-age.ts. */
  flushAgeMs(): number;
  /** Milliseconds since 1970 by the engine's clock. */
  engineNow(): number;
  /** Asks the engine for its time anew. */
  askClock(): Promise<void>;
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
  /** Of the messages of stored batches, as they came. */
  bytes: number;
  batches: number;
  inserts: number;
  quarantined: number;
  /** The same, by reason; a closed list, so that it stays small. */
  quarantinedBy: Record<string, number>;
  /** Generations of the group joined. */
  rebalances: number;
  recoveries: number;
  healed: number;
  /** Attempts made again, of whatever kind; the two below are its parts. */
  retries: number;
  kafkaRetries: number;
  clickhouseRetries: number;
  /** Inserts refused because their lease was over. */
  leasesOver: number;
  /** Inserts refused for what stands in them. */
  refusals: number;
  fenced: number;
  /** Quarantined messages that the dead-letter topic has acknowledged, and those given up on. */
  mirrored: number;
  mirrorFailures: number;
}

export const newCounters = (): Counters => ({
  rows: 0,
  bytes: 0,
  batches: 0,
  inserts: 0,
  quarantined: 0,
  quarantinedBy: {},
  rebalances: 0,
  recoveries: 0,
  healed: 0,
  retries: 0,
  kafkaRetries: 0,
  clickhouseRetries: 0,
  leasesOver: 0,
  refusals: 0,
  fenced: 0,
  mirrored: 0,
  mirrorFailures: 0,
});

/** What a partition knows of itself just now. */
export interface PartitionFigures {
  readonly partition: number;
  /** What it is doing, as the state machine names it. */
  readonly at: State['at'];
  /** Everything before this offset is stored and committed. */
  readonly committed: number;
  /** The offset that the next message will get, as the broker last said. */
  readonly high: number;
  /** Messages (and control records) behind: `high - committed`. */
  readonly lag: number;
  /** Kafka's timestamp of the oldest message in memory that is not stored, in milliseconds since 1970. */
  readonly oldestMs: number | undefined;
  /** Bytes of messages in memory: waiting, and on their way to the engine. */
  readonly heldBytes: number;
  /** Since when it waits for ClickHouse or Kafka, in milliseconds since 1970; 0 while it does not. */
  readonly outageSince: number;
}
