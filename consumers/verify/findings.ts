/** From the engine's counts to what they mean for each partition. Pure. */
import type { PartitionBounds } from '../topic.ts';
import type { PartitionReport, PastTopic } from './report.ts';
import type { RegionCount } from './stored-offsets.ts';

const NOTHING = { rows: 0, offsets: 0, stored: 0, quarantined: 0 };

/** Every offset before it must be in one of the tables: committed by the workers, or gone from Kafka. */
export const settledTo = ({ committed, low, high }: PartitionBounds): number =>
  Math.min(high, Math.max(low, committed ?? low));

/** A partition's report but for what only Kafka can say of the offsets that are absent. */
export function partitionReport(
  bounds: PartitionBounds,
  from: number,
  topicId: string,
  counts: readonly RegionCount[],
): {
  readonly report: PartitionReport;
  /** Committed offsets in neither table. */
  readonly absent: number;
  /** Of the committed offsets, those that Kafka deleted before they were committed. */
  readonly overtaken: number;
  readonly doubled: number;
} {
  const { partition, low, high } = bounds;
  const own = counts.filter((count) => count.topicId === topicId && count.partition === partition);
  const region = (name: RegionCount['region']) =>
    own.find((count) => count.region === name) ?? NOTHING;
  const all = own.reduce(
    (sum, count) => ({
      rows: sum.rows + count.rows,
      offsets: sum.offsets + count.offsets,
      stored: sum.stored + count.stored,
      quarantined: sum.quarantined + count.quarantined,
    }),
    NOTHING,
  );
  const settled = settledTo(bounds);
  const behind = Math.max(0, high - Math.max(settled, from));
  return {
    absent: Math.max(0, settled - from) - region('settled').offsets,
    overtaken: Math.max(0, low - (bounds.committed ?? low)),
    doubled: all.rows - all.offsets,
    report: {
      partition,
      low,
      high,
      from,
      committed: bounds.committed ?? null,
      stored: all.stored,
      quarantined: all.quarantined,
      doubled: all.rows - all.offsets,
      missing: 0,
      overtaken: 0,
      expired: 0,
      noMessage: 0,
      // Stored ahead of the commit: a worker is between its insert and its commit just now.
      notConsumed: Math.max(0, behind - region('ahead').offsets),
      missingRanges: [],
      doubledRanges: [],
      contents: null,
    },
  };
}

/** What the tables hold of topics of the same name that are gone. */
export function pastTopics(topicId: string, counts: readonly RegionCount[]): PastTopic[] {
  const found = new Map<string, { stored: number; quarantined: number; doubled: number }>();
  for (const count of counts) {
    if (count.topicId === topicId) continue;
    const past = found.get(count.topicId) ?? { stored: 0, quarantined: 0, doubled: 0 };
    past.stored += count.stored;
    past.quarantined += count.quarantined;
    past.doubled += count.rows - count.offsets;
    found.set(count.topicId, past);
  }
  return [...found].map(([id, past]) => ({ topicId: id, ...past }));
}

export const sumOf = (
  partitions: readonly PartitionReport[],
  of: 'stored' | 'quarantined' | 'doubled' | 'missing' | 'expired' | 'noMessage' | 'notConsumed',
): number => partitions.reduce((sum, report) => sum + report[of], 0);
