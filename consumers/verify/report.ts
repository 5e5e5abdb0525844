/** What `verify` answers. */
import type { OffsetRange } from '../offset-ranges.ts';

export interface PartitionReport {
  readonly partition: number;
  /** First offset that Kafka holds, and the one the next message will get. */
  readonly low: number;
  readonly high: number;
  /** First offset that was compared: `low`, or where `since` begins. */
  readonly from: number;
  /** The group's committed offset; `null` when nothing was ever committed. */
  readonly committed: number | null;
  /** Offsets in `audit_events`, each counted once. */
  readonly stored: number;
  /** Offsets in `audit_quarantine`, each counted once. */
  readonly quarantined: number;
  /** Rows beyond the first of any offset, in one table or across both. */
  readonly doubled: number;
  /** Committed offsets with a message that neither table has: lost behind Kafka. */
  readonly missing: number;
  /** Of the missing: deleted by Kafka's retention before they were committed. */
  readonly overtaken: number;
  /** Committed messages in neither table that have outlived what the tables keep, and Kafka still holds. */
  readonly expired: number;
  /** Committed offsets without a message: control records, and messages of aborted transactions. */
  readonly noMessage: number;
  /** Offsets behind the committed one that are not stored yet. */
  readonly notConsumed: number;
  /** Up to ten ranges of the missing and of the doubled offsets. */
  readonly missingRanges: readonly OffsetRange[];
  readonly doubledRanges: readonly OffsetRange[];
  /** What the contents say, where they were compared. */
  readonly contents: PartitionContents | null;
}

export interface PartitionContents {
  /** Messages of Kafka that were compared with what is stored of them, byte by byte or column by column. */
  readonly compared: number;
  /** Offsets whose row, or quarantined message, is not what Kafka holds. */
  readonly altered: number;
  /** Rows whose personal values were erased, as they say themselves; the rest of them is as Kafka has it. */
  readonly erased: number;
  /** The first ten of the altered, with the columns that differ. Never their values. */
  readonly alterations: readonly Alteration[];
}

export interface Alteration {
  readonly offset: number;
  readonly table: 'audit_events' | 'audit_quarantine';
  readonly columns: readonly string[];
}

/** Rows of the same topic's name from before it was deleted and made again: Kafka holds nothing of them. */
export interface PastTopic {
  readonly topicId: string;
  readonly stored: number;
  readonly quarantined: number;
  readonly doubled: number;
}

/** What the producers' own numbers say: each counts its events from 1, and reports what it could not send. */
export interface ProducersReport {
  readonly producers: number;
  /** Sequence numbers that must have been given out, and those of them that either table holds. */
  readonly expected: number;
  readonly present: number;
  /** Absent, and reported as lost by the producer's counters, by cause: lost before Kafka. */
  readonly lost: Readonly<Record<string, number>>;
  /** Absent, and said to be still with the producer: in its memory, or in its spool. */
  readonly pending: number;
  /** Absent, but as many messages are not consumed yet. */
  readonly undecided: number;
  /** Absent, and nobody says why. */
  readonly unexplained: number;
  /** Producers that began before the shortest retention: some of their events have expired. */
  readonly tooOld: number;
  /** The ten producers with the most unexplained absences. */
  readonly gaps: readonly ProducerGap[];
}

export interface ProducerGap {
  readonly producerId: string;
  readonly service: string;
  readonly unexplained: number;
  /** Up to ten ranges of absent sequence numbers, the explained among them. */
  readonly absent: readonly OffsetRange[];
}

export interface VerifyTotals {
  readonly stored: number;
  readonly quarantined: number;
  readonly doubled: number;
  readonly missing: number;
  readonly expired: number;
  readonly noMessage: number;
  readonly notConsumed: number;
  readonly altered: number;
  readonly erased: number;
}

export interface VerifyReport {
  readonly topic: string;
  readonly topicId: string;
  readonly group: string;
  /** ISO 8601, where only what came later was compared. */
  readonly since: string | null;
  /** Whether contents were compared, too. */
  readonly deep: boolean;
  readonly partitions: readonly PartitionReport[];
  readonly pastTopics: readonly PastTopic[];
  /** Quarantined messages of the compared offsets, by reason. */
  readonly quarantinedByReason: Readonly<Record<string, number>>;
  readonly producers: ProducersReport;
  readonly totals: VerifyTotals;
  /** Nothing is missing, doubled or altered, and every absence of a producer's number is explained. */
  readonly sound: boolean;
}
